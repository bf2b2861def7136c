"""Grounded captions in the shape of GRIT, written by us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.formats.grounded_captions import GroundedCaptions
from tests.support.training_records import Script, answers, faults, image_bytes, left_out, rows, transcript, write_tar

DOG: dict[str, Any] = {
    "key": "00000",
    "clip_similarity_vitb32": 0.29,
    "caption": "a dog and two balls on the grass",
    "noun_chunks": [
        [0, 5, 0.0, 0.25, 0.5, 0.75, 0.92],
        [10, 19, 0.5, 0.5, 0.625, 0.625, 0.8],
        [10, 19, 0.75, 0.5, 0.875, 0.625, 0.7],
    ],
    "ref_exps": [[0, 32, 0.0, 0.25, 0.5, 0.75, 0.92]],
}


def sample(path: Path, size: tuple[int, int] = (600, 448), **fields: Any) -> Path:
    return write_tar(path / "0.tar", {"7.jpg": image_bytes(*size), "7.json": json.dumps(DOG | fields)})


def test_boxes_stand_behind_their_phrases(tmp_path: Path) -> None:
    sample(tmp_path)
    (row,) = rows(GroundedCaptions(), tmp_path)
    document = GroundedCaptions().document(row, Script())
    dog, balls = "<loc-56><loc-112><loc-112><loc-112>", "<loc-126><loc-126><loc-28><loc-28>"
    third = "<loc-182><loc-126><loc-28><loc-28>"
    assert transcript(document) == [
        "<0.tar:7.jpg>",
        f"+a dog [[ <box_start>{dog}<box_end> ]] and two balls [[ <box_start>{balls}<box_end>"
        f"<box_start>{third}<box_end> ]] on the grass",
    ]
    (said,) = answers(document)
    assert said.startswith("a dog [[ <box_start> <loc-56> <loc-112> <loc-112> <loc-112> <box_end> ]] and two balls")
    assert said.endswith("<box_end> ]] on the grass")


def test_options_choose_the_spans_and_the_least_confidence(tmp_path: Path) -> None:
    sample(tmp_path)
    assert rows(GroundedCaptions(spans="ref_exps"), tmp_path)[0]["boxes"] == [(32, [(56, 112, 112, 112)])]
    assert len(rows(GroundedCaptions(min_confidence=0.75), tmp_path)[0]["boxes"][1][1]) == 1


def test_small_images_are_left_out(tmp_path: Path) -> None:
    sample(tmp_path, size=(300, 300))
    assert left_out(GroundedCaptions(), tmp_path) == [("0.tar:7", "an image is smaller than min_side=400")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"caption": None}, "caption: Input should be a valid string"),
        ({"noun_chunks": []}, "noun_chunks: no phrase has a box"),
        ({"noun_chunks": [[0, 5, 0.1, 0.1]]}, "noun_chunks.0.4: Field required"),
        ({"noun_chunks": [[0, 99, 0, 0, 1, 1, 0.9]]}, "characters 0 to 99 are no part of a caption of 32"),
        ({"noun_chunks": [[0, 4.5, 0, 0, 1, 1, 0.9]]}, "characters 0 to 4.5 are no part of a caption of 32"),
        ({"noun_chunks": [[5, 5, 0, 0, 1, 1, 0.9]]}, "characters 5 to 5 are no part of a caption of 32"),
        ({"noun_chunks": [[0, 5, 0, 0, 1.2, 1, 0.9]]}, "box [0.0, 0.0, 1.2, 1.0] must satisfy"),
        ({"noun_chunks": [[0, 5, 0.5, 0, 0.4, 1, 0.9]]}, "box [0.5, 0.0, 0.4, 1.0] must satisfy"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    sample(tmp_path, **fields)
    ((name, said),) = faults(GroundedCaptions(), tmp_path)
    assert name == "0.tar:7"
    assert reason in said


def test_a_sample_without_metadata_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", {"7.jpg": image_bytes()})
    assert faults(GroundedCaptions(), tmp_path) == [("0.tar:7", "caption: Field required")]
