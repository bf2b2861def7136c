from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedx_sdk import prompts
from seedx_sdk.tokens import (
    added_tokens,
    box_from_pixels,
    box_text,
    box_to_normalized,
    box_to_pixels,
    image_block,
    parse_bins,
    parse_boxes,
)


def test_added_tokens_have_the_released_order() -> None:
    names = added_tokens()
    assert len(names) == len(set(names)) == 330
    offsets = {"<img>": 100, "</img>": 101, "<patch>": 102, "</patch>": 103, "<loc-0>": 104, "<box_end>": 329}
    assert {name: names.index(name) for name in offsets} == offsets


def test_image_block_counts() -> None:
    assert image_block(0).count("<img_00063>") == 1
    assert image_block(4, 16).count("<patch>") == 4
    assert image_block(4, 16).endswith("<img_00015></img>")


def test_prompts_are_the_published_ones() -> None:
    assert prompts.base_question("What?", "IMG") == "Question: IMGWhat?\nAnswer:"
    assert prompts.base_detect("a dog", "IMG") == "IMGa dog [[ <box_start>"
    assert prompts.instruct("Hi", "IMG") == "[INST] IMGHi [/INST]\n"
    assert prompts.instruct_generate("a dog") == "[INST] Generate an image: a dog [/INST]\n"
    assert prompts.chat_segments([("a", "b")], "c") == ["[INST] a [/INST]\n", "b", "\n[INST] c [/INST]\n"]


def test_phrases_stand_before_their_boxes_as_when_the_base_model_is_asked() -> None:
    grounded = prompts.grounded_phrase("a dog", [(1, 2, 3, 4)])
    assert grounded == "a dog [[ <box_start><loc-1><loc-2><loc-3><loc-4><box_end> ]]"
    assert grounded.startswith(prompts.base_detect("a dog", ""))


def test_each_text_of_a_slide_has_a_line_that_begins_with_its_number() -> None:
    outline = prompts.slide_outline(["2: not the second", "One\n\n two", " 3  ducks "])
    assert outline == "Lay out a slide:\n1: 2: not the second\n2: One / two\n3: 3 ducks"


BOX = box_text((9, 8, 7, 6))


@given(
    st.permutations([("title", ""), ("text", ""), ("picture", "5 text in a row"), ("table", ""), ("picture", "a: b")]),
    st.booleans(),
)
def test_a_layout_is_read_back_with_the_spaces_that_decoding_puts(
    kinds: list[tuple[prompts.SlideKind, str]], decoded: bool
) -> None:
    texts, pictures = iter(range(1, 4)), iter(range(4, 6))
    blocks = tuple(
        prompts.SlideBlock(next(pictures if kind == "picture" else texts), kind, (number, 20, 3, 223), caption)
        for number, (kind, caption) in enumerate(kinds)
    )
    text = prompts.slide_answer(blocks)
    assert text.count("\n") == 4
    if decoded:
        for token in {"<box_start>", "<box_end>", *(f"<loc-{number}>" for number in range(224))}:
            text = text.replace(f"{token}\n", token).replace(token, f" {token} ")
        text = text.replace("  ", " ") + "<img> <img_00000>"
    assert prompts.parse_slide_answer(text, 3) == blocks


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"the texts of the layout are numbered \[\]; they must be 1 to 2"),
        (f"1 text {BOX}", r"numbered \[1\]; they must be 1 to 2"),
        (f"1 text {BOX}1 text {BOX}2 text {BOX}", r"numbered \[1, 1, 2\]"),
        (f"1 text {BOX}2 text {BOX}4 picture {BOX}: a hen", r"the pictures of the layout are numbered \[4\]"),
        (f"1 text {BOX}2 logo {BOX}", "'2 logo <box_start>.*' is no block of a layout"),
        (f"1 text {BOX} Our garden", "'Our garden' is no block of a layout"),
        ("1 text <box_start><loc-9><loc-8><loc-7><box_end>", "is no block of a layout"),
        (f"1 text {BOX}2 text <box_start><loc-9><loc-8><loc-7><loc-224><box_end>", "block 2 has box .* go to 223"),
    ],
)
def test_a_layout_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        prompts.parse_slide_answer(text, 2)


corner = st.floats(0, 1)


@given(st.tuples(corner, corner).map(sorted), st.tuples(corner, corner).map(sorted))
def test_box_comes_back_within_a_bin(xs: list[float], ys: list[float]) -> None:
    corners = (xs[0] * 640, ys[0] * 480, xs[1] * 640, ys[1] * 480)
    bins = box_from_pixels(corners, 640, 480)
    assert parse_boxes(f"there {box_text(bins)}") == [bins]
    found = box_to_normalized(bins)
    assert all(
        math.isclose(a, b, abs_tol=1 / 224 + 1 / 448) for a, b in zip(found, (xs[0], ys[0], xs[1], ys[1]), strict=True)
    )
    for value, exact, side in zip(box_to_pixels(bins, 640, 480), corners, (640, 480, 640, 480), strict=True):
        assert abs(value - exact) <= side / 224 * 1.5 + 1


def test_box_outside_of_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="0 <= x0 <= x1 <= 640"):
        box_from_pixels((600, 0, 700, 10), 640, 480)


def test_broken_boxes_are_kept_raw_and_left_out_of_the_result() -> None:
    text = "<box_start><loc-1><loc-2><box_end> <box_start><loc-1><loc-2><loc-3><loc-300><box_end>"
    assert parse_bins(text) == [[1, 2], [1, 2, 3, 300]]
    assert parse_boxes(text) == []
    assert parse_boxes("<loc-1><loc-2><loc-3><loc-4><box_end>", opened=True) == [(1, 2, 3, 4)]
