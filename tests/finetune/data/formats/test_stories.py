"""Stories in the shape of StoryStream's records, written by us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.documents import DrawImage, ReadImage
from seedx_finetune.data.formats.stories import Stories
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


def story(pages: int) -> dict[str, Any]:
    return {
        "id": 7,
        "images": [f"7_{page}.png" for page in range(pages)],
        "captions": [f"Page {page}. The hen walks." for page in range(pages)],
        "orders": list(range(pages)),
    }


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for page in range(31):
        write(tmp_path / f"7_{page}.png", image_bytes(128, 160, "PNG"))
    return tmp_path


def test_pages_are_read_and_the_next_one_is_written_and_drawn(directory: Path) -> None:
    write_lines(directory / "stories.jsonl", story(4))
    (row,) = rows(Stories(), directory)
    shortest, longest = Stories().document(row, Script(0)), Stories().document(row, Script(2))
    texts = [f"Page {page}. The hen walks." for page in range(4)]
    assert transcript(shortest) == [texts[0], "<7_0.png>", f"+[INST]{texts[1]}", "+<7_1.png>"]
    assert transcript(longest) == [
        texts[0], "<7_0.png>", f"[INST]{texts[1]}", "<7_1.png>", f"[INST]{texts[2]}", "<7_2.png>",
        f"+[INST]{texts[3]}", "+<7_3.png>",
    ]  # fmt: skip
    assert answers(longest) == ["[INST]Page 3. The hen walks. <img>"]


def test_images_are_read_without_cells_and_condition_nothing(directory: Path) -> None:
    write_lines(directory / "stories.jsonl", story(4))
    document = Stories().document(rows(Stories(), directory)[0], Script(1))
    assert {part.grids for part in document if isinstance(part, ReadImage)} == {()}
    assert [part.condition for part in document if isinstance(part, DrawImage)] == [None]


@pytest.mark.parametrize(("pages", "lengths"), [(30, [10, 10, 10]), (31, [7, 8, 8, 8]), (11, [5, 6]), (10, [10])])
def test_no_page_of_a_long_story_is_lost(directory: Path, pages: int, lengths: list[int]) -> None:
    write_lines(directory / "stories.jsonl", story(pages))
    outcomes = list(Stories().scan(directory))
    chunks = rows(Stories(), directory)
    assert [len(row["captions"]) for row in chunks] == lengths
    assert [text for row in chunks for text in row["captions"]] == story(pages)["captions"]
    assert [image["name"] for row in chunks for image in row["images"]] == story(pages)["images"]
    if len(lengths) > 1:
        assert outcomes[1].name == f"stories.jsonl:1[{lengths[0]}:{lengths[0] + lengths[1]}]"


def test_a_long_sample_reads_the_window(directory: Path) -> None:
    write_lines(directory / "stories.jsonl", story(20))
    stories = Stories(chunk=20)
    document = stories.document(rows(stories, directory)[0], Script(17))
    texts = transcript(document)
    assert texts[:3] == [
        "Page 0. The hen walks.",
        "<7_0.png>",
        f"[INST]{' '.join(f'Page {n}.' for n in range(1, 9))}[INST]Page 9. The hen walks.",
    ]
    assert [part.image.name for part in document if isinstance(part, ReadImage)] == [
        "7_0.png", *(f"7_{page}.png" for page in range(9, 18))
    ]  # fmt: skip
    assert texts[-2:] == ["+[INST]Page 18. The hen walks.", "+<7_18.png>"]


def test_pages_are_put_in_order(directory: Path) -> None:
    write_lines(directory / "stories.jsonl", story(3) | {"orders": [2, 0, 1]})
    (row,) = rows(Stories(), directory)
    assert [image["name"] for image in row["images"]] == ["7_1.png", "7_2.png", "7_0.png"]
    assert row["captions"][0] == "Page 1. The hen walks."


def test_small_and_narrow_images_are_left_out(directory: Path) -> None:
    write(directory / "7_0.png", image_bytes(127, 127, "PNG"))
    write_lines(directory / "stories.jsonl", story(2))
    assert left_out(Stories(), directory) == [("stories.jsonl:1", "an image is smaller than min_side=128")]
    write(directory / "7_0.png", image_bytes(130, 700, "PNG"))
    assert left_out(Stories(), directory) == [("stories.jsonl:1", "an image is narrower than min_aspect=0.2")]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"captions": ["a"]}, "images: Field required"),
        (story(3) | {"images": ["7_0.png"]}, "1 images and 3 captions; each page has one of both"),
        (story(1), "the story has 1 pages; two are needed"),
        (story(2) | {"captions": ["a", ""]}, "captions.1: it is empty"),
        (story(2) | {"captions": ["a", "<patch>"]}, "captions.1: the text holds '<patch>'"),
        (story(3) | {"orders": [0, 0, 1]}, "orders: [0, 0, 1] must be 3 different numbers"),
        (story(3) | {"orders": ["a", 0, 1]}, "orders.0: Input should be a valid integer"),
        (story(2) | {"images": ["7_0.png", "lost.png"]}, "image lost.png: no image at"),
    ],
)
def test_a_bad_record_is_named_with_its_reason(directory: Path, record: dict[str, Any], reason: str) -> None:
    write_lines(directory / "stories.jsonl", record)
    ((name, said),) = faults(Stories(), directory)
    assert name == "stories.jsonl:1"
    assert reason in said
