"""Conversations in the shape of LLaVA-Instruct-150K and LLaVAR, written by us."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.documents import ReadImage
from seedx_finetune.data.formats.llava import Llava, Ocr
from seedx_finetune.errors import DataError
from seedx_sdk.model.grids import READ_GRIDS
from tests.support.training_records import Script, answers, faults, image_bytes, rows, transcript, write, write_lines

DUCKS: dict[str, Any] = {
    "id": "000000033471",
    "image": "ducks.jpg",
    "data": [
        "How many ducks swim here?",
        "Three ducks.",
        "Where is the first?",
        "At <box_start><loc-9><loc-99><loc-30><loc-40><box_end>",
    ],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write(tmp_path / "images" / "ducks.jpg", image_bytes(640, 480))
    return tmp_path


def test_the_image_comes_before_or_after_the_first_question(directory: Path) -> None:
    write_lines(directory / "train.jsonl", DUCKS)
    llava = Llava(images="images")
    (row,) = rows(llava, directory)
    before, after = llava.document(row, Script(0.49)), llava.document(row, Script(0.5))
    rest = ["+Three ducks.", "\n[INST] Where is the first? [/INST]\n", f"+{DUCKS['data'][3]}"]
    assert transcript(before) == ["[INST]", "<ducks.jpg>", "How many ducks swim here? [/INST]\n", *rest]
    assert transcript(after) == ["[INST] How many ducks swim here?", "<ducks.jpg>", "[/INST]\n", *rest]
    said = ["Three ducks.", "At <box_start> <loc-9> <loc-99> <loc-30> <loc-40> <box_end>"]
    assert answers(before) == answers(after) == said


def test_an_image_is_named_by_its_file_and_sized(directory: Path) -> None:
    write_lines(directory / "train.jsonl", DUCKS)
    llava = Llava(images="images")
    read = llava.document(rows(llava, directory / "train.jsonl")[0], Script(0))[1]
    assert isinstance(read, ReadImage)
    assert (read.image.path, read.image.width, read.image.height) == (directory / "images/ducks.jpg", 640, 480)
    assert read.grids == READ_GRIDS


@pytest.mark.parametrize("image", [{}, {"image": ""}, {"image": None}, {"image": "none"}])
def test_a_conversation_may_have_no_image(tmp_path: Path, image: dict[str, Any]) -> None:
    write_lines(tmp_path / "train.jsonl", {"data": ["What is a pond?", "A small lake."], **image})
    (row,) = rows(Llava(), tmp_path)
    document = Llava(system_prompt="Be brief.").document(row, Script(0.2))
    assert transcript(document) == ["Be brief.\n", "[INST] What is a pond? [/INST]\n", "+A small lake."]
    assert answers(document) == ["A small lake."]


def test_llavas_own_form_is_read_too(directory: Path) -> None:
    sign = [
        {"from": "human", "value": "What does the sign say?\n<image>"},
        {"from": "gpt", "value": "It says: no swimming."},
    ]
    write_lines(directory / "llavar.jsonl", {"id": "1", "image": "ducks.jpg", "conversations": sign})
    ocr = Ocr(images="images")
    document = ocr.document(rows(ocr, directory)[0], Script(0.9))
    assert transcript(document) == [
        "[INST] What does the sign say?",
        "<ducks.jpg>",
        "[/INST]\n",
        "+It says: no swimming.",
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("", "the line is empty"),
        ('{"data": ["a", ', "Invalid JSON: EOF"),
        ({"image": "ducks.jpg"}, 'must have either "data" or "conversations"'),
        ({"data": ["Hello?", 3]}, "data.1: Input should be a valid string"),
        ({"data": []}, "has 0 turns"),
        ({"data": ["Hello?"]}, "has 1 turns; user and assistant must speak in turn"),
        ({"data": ["Hello?", " "]}, "turn 1 is empty"),
        ({"data": ["", "Hello."]}, "turn 0 is empty"),
        ({"data": ["Draw <img>", "Yes."]}, "data.0: the text holds '<img>'"),
        ({"conversations": [{"from": "gpt", "value": "Hi."}]}, "conversations.0: human and gpt must speak in turn"),
        (
            {"conversations": [{"from": "robot", "value": "Hi."}]},
            "conversations.0.from: Input should be 'human' or 'gpt'",
        ),
        ({"image": "lost.jpg", "data": ["a", "b"]}, "image lost.jpg: no image at"),
        ({"image": "cut.jpg", "data": ["a", "b"]}, "image cut.jpg: .* is damaged or cut short"),
        ({"image": "scan.pdf", "data": ["a", "b"]}, "image scan.pdf: .* is not a readable image"),
        ({"image": "sliver.png", "data": ["a", "b"]}, "longer than 20:1"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(directory: Path, record: dict[str, Any] | str, reason: str) -> None:
    write(directory / "images" / "cut.jpg", image_bytes()[:2000])
    write(directory / "images" / "scan.pdf", b"%PDF-1.7")
    write(directory / "images" / "sliver.png", image_bytes(4, 100, "PNG"))
    write_lines(directory / "sub" / "train.jsonl", record)
    ((name, said),) = faults(Llava(images="../images"), directory)
    assert name == "sub/train.jsonl:1"
    assert re.search(reason, said), said


def test_ocr_needs_an_image(tmp_path: Path) -> None:
    write_lines(tmp_path / "train.jsonl", {"data": ["What does it say?", "Nothing."]})
    assert faults(Ocr(), tmp_path) == [("train.jsonl:1", "image: missing; every record of this format has one")]


@pytest.mark.parametrize("name", ["", "train.json"])
def test_a_path_without_records_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path / "train.json", "[]")
    with pytest.raises(DataError, match="is no .jsonl file and no directory that holds one"):
        list(Llava().scan(tmp_path / name))
