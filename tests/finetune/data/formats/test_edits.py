"""Edits in the shapes of SEED-Data-Edit and MagicBrush, written by us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.documents import DrawImage, ReadImage
from seedx_finetune.data.formats.edits import Edits
from seedx_finetune.data.formats.requests import EDIT_REPLIES
from tests.support.training_records import (
    Script,
    answers,
    faults,
    image_bytes,
    left_out,
    rows,
    transcript,
    write,
    write_lines,
)

KITE: dict[str, Any] = {
    "source_image": "0001_s.jpg",
    "target_image": "0001_t.jpg",
    "instruction": "Add a kite to the sky",
    "source_image_caption": "a beach",
}
SESSION: dict[str, Any] = {
    "id": "6",
    "turns": [
        {"input": "6-input.png", "mask": "6-mask1.png", "output": "6-output1.png", "instruction": "make it night"},
        {"input": "6-output1.png", "mask": "6-mask2.png", "output": "6-output2.png", "instruction": "add a moon"},
    ],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("0001_s.jpg", "0001_t.jpg"):
        write(tmp_path / name, image_bytes(500, 400))
    for name in ("6-input.png", "6-output1.png", "6-output2.png"):
        write(tmp_path / name, image_bytes(448, 448, "PNG"))
    return tmp_path


def test_the_image_comes_before_or_after_the_instruction(directory: Path) -> None:
    write_lines(directory / "edits.jsonl", KITE)
    edits = Edits(replies=("Done.", ""))
    (row,) = rows(edits, directory)
    before, after = edits.document(row, Script(0, 0.7, 0.2)), edits.document(row, Script(1, 0.7, 0.6))
    assert transcript(before) == [
        "[INST]", "<0001_s.jpg>", "Add a kite to the sky [/INST]\n", "+Done.", "+<0001_t.jpg>"
    ]  # fmt: skip
    assert transcript(after) == ["[INST] Add a kite to the sky", "<0001_s.jpg>", "[/INST]\n", "+<0001_t.jpg>"]
    assert answers(before) == ["Done. <img>"]
    assert answers(after) == ["<img>"]


def test_the_source_is_the_condition_of_the_target(directory: Path) -> None:
    write_lines(directory / "edits.jsonl", KITE, SESSION)
    for row in rows(Edits(), directory):
        read: ReadImage | None = None
        for part in Edits().document(row, Script(*[0, 0.5, 0.5] * 2)):
            if isinstance(part, ReadImage):
                read = part
                assert part.grids == ("1x1",)
            elif isinstance(part, DrawImage):
                assert read is not None
                assert part.condition == read.image != part.image


def test_a_session_goes_on_with_what_it_has_drawn(directory: Path) -> None:
    write_lines(directory / "sessions.jsonl", SESSION)
    edits = Edits(polite=False)
    (row,) = rows(edits, directory)
    assert transcript(edits.document(row, Script(0, 0.5, 0.1, 0, 0.5, 0.9))) == [
        "[INST]",
        "<6-input.png>",
        "make it night [/INST]\n",
        "+<6-output1.png>",
        "\n[INST] add a moon",
        "<6-output1.png>",
        "[/INST]\n",
        "+<6-output2.png>",
    ]


def test_a_record_may_bring_its_reply(directory: Path) -> None:
    write_lines(directory / "edits.jsonl", KITE | {"instruction_new": "A kite, please.", "response": "With a tail."})
    (row,) = rows(Edits(), directory)
    document = Edits(drop_instruction=0.5).document(row, Script(0.6, 0.3))
    assert answers(document) == ["With a tail. <img>"]
    assert transcript(document)[2] == "A kite, please. [/INST]\n"
    assert transcript(Edits(drop_instruction=0.5).document(row, Script(0.4, 0.3)))[2] == "[/INST]\n"


def test_there_are_as_many_replies_as_in_the_reference_and_one_is_empty() -> None:
    assert len(set(EDIT_REPLIES)) == len(EDIT_REPLIES) == 21
    assert EDIT_REPLIES[-1] == ""


def test_only_the_source_is_filtered(directory: Path) -> None:
    write(directory / "0001_t.jpg", image_bytes(64, 64))
    write_lines(directory / "edits.jsonl", KITE)
    assert len(rows(Edits(), directory)) == 1
    write(directory / "0001_s.jpg", image_bytes(390, 500))
    assert left_out(Edits(), directory) == [("edits.jsonl:1", "an image is smaller than min_side=400")]
    assert len(rows(Edits(min_side=300), directory)) == 1


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"instruction": "Add a kite"}, 'source_image and target_image: missing; a line has these, or "turns"'),
        (KITE | {"target_image": ""}, "target_image: missing"),
        (KITE | {"source_image": 5}, "source_image: Input should be a valid string"),
        (KITE | {"instruction": None}, "instruction: missing or empty"),
        (KITE | {"instruction": "draw </img>"}, "instruction: the text holds '</img>'"),
        (KITE | {"target_image": "lost.jpg"}, "image lost.jpg: no image at"),
        ({"turns": []}, "turns: there is none"),
        ({"turns": [SESSION["turns"][0] | {"output": None}]}, "turns.0.output: Input should be a valid string"),
        ({"turns": [SESSION["turns"][1], SESSION["turns"][0]]}, "'6-input.png' is not the output of the turn before"),
        ({"turns": [SESSION["turns"][0] | {"instruction": " "}]}, "turns.0.instruction: it is empty"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(directory: Path, record: dict[str, Any], reason: str) -> None:
    write_lines(directory / "edits.jsonl", record)
    ((name, said),) = faults(Edits(), directory)
    assert name == "edits.jsonl:1"
    assert reason in said
