"""Interleaved documents in the shapes of MMC4 and OBELICS, written by us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.formats.interleaved import Interleaved
from tests.support.training_records import Script, answers, faults, image_bytes, rows, transcript, write, write_lines

BREAD: dict[str, Any] = {
    "url": "https://example.org/bread",
    "text_list": ["Baking bread", "Knead the dough.", "Let it rest."],
    "image_info": [
        {"image_name": "dough.png", "matched_text_index": 1, "matched_sim": 0.3},
        {"image_name": "bowl.png", "matched_text_index": 2, "matched_sim": 0.2},
    ],
}
LAKE = {
    "texts": [None, "The lake in May. ", None, "The lake in June.", "It is warm."],
    "images": ["may.png", None, "june.png", None, None],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("dough", "bowl", "may", "june"):
        write(tmp_path / f"{name}.png", image_bytes(64, 64, "PNG"))
    return tmp_path


def test_images_of_mmc4_stand_before_the_texts_that_they_match(directory: Path) -> None:
    write_lines(directory / "mmc4.jsonl", BREAD)
    (row,) = rows(Interleaved(), directory)
    document = Interleaved(draw_share=0.5).document(row, Script(0.5))
    texts = ["+Baking bread", "+Knead the dough.", "+Let it rest."]
    assert transcript(document) == [texts[0], "<dough.png>", texts[1], "<bowl.png>", texts[2]]
    assert answers(document) == ["Baking bread", "Knead the dough.", "Let it rest."]


def test_a_drawn_image_ends_the_document(directory: Path) -> None:
    write_lines(directory / "mmc4.jsonl", BREAD)
    (row,) = rows(Interleaved(), directory)
    document = Interleaved().document(row, Script(0.4, 1))
    assert transcript(document) == ["+Baking bread", "<dough.png>", "+Knead the dough.", "+<bowl.png>"]
    assert answers(document) == ["Baking bread", "Knead the dough. <img>"]


def test_an_image_with_nothing_before_it_is_never_drawn(directory: Path) -> None:
    write_lines(directory / "obelics.jsonl", LAKE)
    (row,) = rows(Interleaved(), directory)
    read, drawn = Interleaved().document(row, Script(0.5)), Interleaved().document(row, Script(0.0, 0))
    assert transcript(read) == ["<may.png>", "+The lake in May.", "<june.png>", "+The lake in June.\nIt is warm."]
    assert transcript(drawn) == ["<may.png>", "+The lake in May.", "+<june.png>"]


def test_a_document_without_an_image_to_draw_is_read(directory: Path) -> None:
    write_lines(directory / "obelics.jsonl", {"texts": [None, "A lake."], "images": ["may.png", None]})
    (row,) = rows(Interleaved(), directory)
    assert transcript(Interleaved(draw_share=1).document(row, Script(0.0))) == ["<may.png>", "+A lake."]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"url": "x"}, 'the record must have either "text_list" (MMC4) or "texts" (OBELICS)'),
        ({"text_list": "x"}, "text_list: Input should be a valid array"),
        ({"text_list": [], "image_info": []}, "the document has no text"),
        (BREAD | {"text_list": ["one", "two"]}, "image_info.1.matched_text_index: 2 is none of the 2 texts"),
        (BREAD | {"image_info": [{"image_name": "x.png"}]}, "image_info.0.matched_text_index: Field required"),
        (LAKE | {"images": ["may.png"]}, "5 texts and 1 images; the lists must be of one length"),
        ({"texts": ["a", None], "images": [None, None]}, "place 1 must hold either a text or an image"),
        ({"texts": ["a"], "images": ["may.png"]}, "place 0 must hold either a text or an image"),
        ({"texts": ["a", None], "images": [None, "lost.png"]}, "image lost.png: no image at"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(directory: Path, record: dict[str, Any], reason: str) -> None:
    write_lines(directory / "documents.jsonl", record)
    ((name, said),) = faults(Interleaved(), directory)
    assert name == "documents.jsonl:1"
    assert reason in said
