"""What the reference's readers do with records that are too long. The golden cases hold the rest (tests/parity)."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedx_finetune.data.documents import Document, DrawImage, ImageRef, ReadImage, Text
from seedx_finetune.data.examples import encode
from seedx_finetune.data.formats.base import image_to_row
from seedx_finetune.data.formats.captions import Captions
from seedx_finetune.data.reference import Limits, caption_document, cut, pad, story_time_ids, views
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.training_records import TOKENIZER, Script, transcript

BARN = ImageRef("barn.jpg", Path("barn.jpg"), 448, 448)


@pytest.fixture(scope="module")
def names() -> Tokenizer:
    return Tokenizer.from_pretrained(TOKENIZER)


def length(document: Document, names: Tokenizer) -> int:
    return len(encode(document, names, name="", source="").input_ids)


def test_text_is_cut_off_and_an_image_never(names: Tokenizer) -> None:
    document = (ReadImage(BARN), Text("an old barn in a field", learn=True))
    example = encode(document, names, name="", source="")
    full = len(example.input_ids)
    for end in range(1 + 2 * 66, full):
        sample = cut(example, names, Limits(end))
        assert sample is not None
        assert sample.input_ids == example.input_ids[:end]
        assert sample.labels[-1] != names.eos_id
        assert sample.attention_mask == [1] * end
    assert cut(example, names, Limits(2 * 66)) is None
    padded = cut(example, names, Limits(full + 3))
    assert padded is not None
    assert padded.input_ids[full - 1 :] == [names.eos_id, *[names.pad_id] * 3]
    assert (padded.labels[full:], padded.attention_mask[full:]) == ([-100] * 3, [0] * 3)
    assert sum(padded.read_mask) == 128


def test_edits_and_stories_are_dropped_even_if_they_just_fit(names: Tokenizer) -> None:
    example = encode((Text("an old barn"), DrawImage(BARN)), names, name="", source="")
    full = len(example.input_ids)
    assert pad(example, names, Limits(full)) is None
    sample = pad(example, names, Limits(full + 1))
    assert sample is not None
    assert sample.input_ids == [*example.input_ids, names.pad_id]
    assert sum(sample.draw_mask) == 64


def test_what_is_too_long_to_draw_is_read_and_learned_with_its_request(names: Tokenizer) -> None:
    row = {"images": [image_to_row(BARN)], "caption": "an old barn in a field"}
    captions = Captions(read_share=0, instruct=True, requests=(("Draw", "Here."),))
    text = "[INST] Draw an old barn in a field [/INST]\n Here."
    fits = len(names.encode(text)) + 2 * 66 + 2
    drawn, read, dropped = (
        caption_document(row, captions, Script(0, 0.5), names, Limits(size), ask=True)
        for size in (fits, fits - 1, 2 * 66 + 1)
    )
    assert drawn is not None and read is not None
    assert transcript(drawn) == [text, "+<barn.jpg>"]
    assert transcript(read) == ["<barn.jpg>", f"+{text}"]
    assert dropped is None


def test_a_drawn_image_has_cells_that_nothing_uses() -> None:
    wide = ImageRef("wide.jpg", Path("wide.jpg"), 1000, 400)
    limits = Limits(320, grids=("1x1", "2x1"))
    read, drawn = views((ReadImage(wide, limits.grids), Text("x"), DrawImage(wide)), limits)
    assert [view.position for view in drawn] == [(0.25, 0.5), (0.75, 0.5), (0.5, 0.5)]
    assert [view.read for view in read] == [True] * 3
    assert [view.draw for view in drawn] == [False, False, True]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((60, 40), (40, 60, 8, 0, 32, 32)), ((40, 60), (60, 40, 0, 8, 32, 32)), ((50, 50), (50, 50, 0, 0, 32, 32))],
)
def test_the_crop_of_a_story_has_its_sides_swapped(size: tuple[int, int], expected: tuple[int, ...]) -> None:
    assert story_time_ids(ImageRef("page.png", Path("page.png"), *size), 32) == expected
