"""Captions in the shape of what img2dataset downloads of LAION-COCO, written by us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedx_finetune.data.documents import DrawImage, ReadImage
from seedx_finetune.data.formats.captions import Captions
from seedx_finetune.data.formats.requests import DRAW_REQUESTS
from seedx_finetune.errors import DataError
from seedx_sdk.imaging import open_image
from tests.support.training_records import (
    Script,
    answers,
    faults,
    image_bytes,
    left_out,
    rows,
    transcript,
    write,
    write_tar,
)

BARN: dict[str, bytes | str] = {
    "000000.jpg": image_bytes(448, 600),
    "000000.txt": "an old barn in a field",
    "000000.json": json.dumps({"similarity": 0.31, "top_caption": "a barn", "width": 448}),
}


def test_a_caption_is_read_or_drawn(tmp_path: Path) -> None:
    write_tar(tmp_path / "00000.tar", BARN)
    (row,) = rows(Captions(), tmp_path)
    read, drawn = (Captions(read_share=0.25).document(row, Script(draw)) for draw in (0.24, 0.25))
    assert transcript(read) == ["<00000.tar:000000.jpg>", "+an old barn in a field"]
    assert transcript(drawn) == ["an old barn in a field", "+<00000.tar:000000.jpg>"]
    assert answers(read) == ["an old barn in a field"]
    assert answers(drawn) == ["<img>"]


def test_instruction_tuning_asks_for_it(tmp_path: Path) -> None:
    write_tar(tmp_path / "00000.tar", BARN)
    captions = Captions(instruct=True, requests=(("Draw", "Here."), ("Paint", "Done.")))
    (row,) = rows(captions, tmp_path)
    drawn, read = captions.document(row, Script(1, 0.9)), captions.document(row, Script(0, 0.1, 3))
    name = "00000.tar:000000.jpg"
    assert transcript(drawn) == ["[INST] Paint an old barn in a field [/INST]\n Done.", f"+<{name}>"]
    assert transcript(read) == [
        "[INST]",
        f"<{name}>",
        "Write a caption for this image. [/INST]\n",
        "+an old barn in a field",
    ]
    assert answers(drawn) == ["<img>"]
    assert answers(read) == ["an old barn in a field"]


def test_there_are_as_many_requests_as_in_the_reference() -> None:
    assert len(set(DRAW_REQUESTS)) == len(DRAW_REQUESTS) == 28


def test_an_image_is_read_by_its_offset_without_unpacking(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "00000.tar", {"a/1.txt": "one", "a/1.png": image_bytes(500, 400, "PNG"), **BARN})
    first, second = rows(Captions(), tar)
    segment = Captions(read_share=1).document(second, Script(0))[0]
    assert isinstance(segment, ReadImage)
    image = segment.image
    with tar.open("rb") as file:
        file.seek(image.offset)
        assert image.length is not None
        assert open_image(file.read(image.length)).size == (image.width, image.height) == (448, 600)
    drawn = Captions(read_share=0).document(first, Script(0))[1]
    assert isinstance(drawn, DrawImage)
    assert (drawn.image.name, drawn.image.width) == ("00000.tar:a/1.png", 500)


def test_the_caption_may_stand_in_the_metadata(tmp_path: Path) -> None:
    write_tar(tmp_path / "00000.tar", BARN)
    assert rows(Captions(caption_key="top_caption"), tmp_path)[0]["caption"] == "a barn"
    assert faults(Captions(caption_key="lost"), tmp_path) == [
        ("00000.tar:000000", "its metadata has no 'lost', and so no caption")
    ]


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"000000.jpg": image_bytes(399, 600)}, "an image is smaller than min_side=400"),
        ({"000000.jpg": image_bytes(400, 668)}, "an image is narrower than min_aspect=0.6"),
        ({"000000.jpg": image_bytes(668, 400)}, "an image is narrower than min_aspect=0.6"),
        ({"000000.json": '{"similarity": 0.09}'}, "image and caption are less similar than min_similarity=0.1"),
        ({"000000.json": '{"all_similarities": [0.01, 0.02], "score": 9}'}, "less similar"),
        ({"000000.json": '{"SCORE": 0}'}, "less similar"),
    ],
)
def test_the_filters_of_the_reference_leave_out_records(
    tmp_path: Path, files: dict[str, bytes | str], rule: str
) -> None:
    write_tar(tmp_path / "00000.tar", BARN | files)
    ((name, said),) = left_out(Captions(), tmp_path)
    assert name == "00000.tar:000000"
    assert rule in said
    assert rows(Captions(min_side=0, min_aspect=0, min_similarity=0), tmp_path)


@pytest.mark.parametrize("metadata", ["{}", '{"similarity": 0.1}', '{"all_similarities": [0.0, 0.2]}', None])
def test_others_stay(tmp_path: Path, metadata: str | None) -> None:
    files = {name: data for name, data in BARN.items() if not name.endswith("json")}
    write_tar(tmp_path / "00000.tar", files if metadata is None else files | {"000000.json": metadata})
    assert len(rows(Captions(), tmp_path)) == 1


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"000000.txt": " "}, "its caption is empty"),
        ({"000000.txt": b"\xff"}, "its .txt is not UTF-8"),
        ({"000000.txt": "a <img_00001>"}, "text: the text holds '<img_00001>'"),
        ({"000000.json": '{"similarity": '}, "its .json is damaged"),
        ({"000000.json": "[]"}, "its .json is not an object"),
        ({"000000.json": '{"similarity": "high"}'}, "similarity of its metadata is no number"),
        ({"000000.json": '{"score": NaN}'}, "score of its metadata is no number"),
        ({"000000.json": '{"all_similarities": []}'}, "all_similarities of its metadata is no number"),
        ({"000000.jpg": image_bytes()[:900]}, "image 00000.tar:000000.jpg: the given image file is damaged"),
        ({"000000.jpg": b""}, "is empty (0 bytes)"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(tmp_path: Path, files: dict[str, bytes | str], reason: str) -> None:
    write_tar(tmp_path / "00000.tar", BARN | files)
    ((name, said),) = faults(Captions(), tmp_path)
    assert name == "00000.tar:000000"
    assert reason in said


@pytest.mark.parametrize(
    ("missing", "reason"), [("jpg", "it has no image; allowed are .jpg"), ("txt", "it has no .txt, and so no caption")]
)
def test_a_missing_file_is_named(tmp_path: Path, missing: str, reason: str) -> None:
    write_tar(tmp_path / "00000.tar", {name: data for name, data in BARN.items() if not name.endswith(missing)})
    ((_, said),) = faults(Captions(), tmp_path)
    assert reason in said


def test_a_damaged_tar_file_costs_what_comes_after_the_damage(tmp_path: Path) -> None:
    second = {name.replace("0.", "1."): data for name, data in BARN.items()}
    tar = write_tar(tmp_path / "00000.tar", BARN | second)
    data = tar.read_bytes()
    begin = data.index(b"000001.jpg")
    write(tar, data[: begin + 1000])
    good, bad = Captions().scan(tmp_path)
    assert good.name == "00000.tar:000000"
    assert bad.name == "00000.tar"
    assert "the tar file is damaged or compressed from here on" in getattr(bad, "reason", "")


def test_a_compressed_tar_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "00000.tar", b"\x1f\x8b" + bytes(2000))
    ((name, reason),) = faults(Captions(), tmp_path)
    assert name == "00000.tar"
    assert "damaged or compressed" in reason


def test_files_that_belong_to_no_sample_are_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "00000.tar", {"README": "hello", **BARN, "000000.TXT": "again"})
    found = [(outcome.name, getattr(outcome, "reason", "")) for outcome in Captions().scan(tmp_path)]
    assert found == [
        ("00000.tar:README", "it is sparse or has no suffix, so it belongs to no sample"),
        ("00000.tar:000000.TXT", "its sample has a file of this suffix already"),
        ("00000.tar:000000", ""),
    ]


def test_a_path_without_tar_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no .tar file and no directory that holds one"):
        list(Captions().scan(tmp_path))
