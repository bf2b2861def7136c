"""The formats by name, and the ways to get one wrong."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from seedx_finetune.data.formats import FORMATS, make_format
from seedx_finetune.errors import DataError


def test_each_format_has_its_own_name() -> None:
    assert sorted(set(FORMATS) - {"notes"}) == [
        "captions",
        "edits",
        "grounded_captions",
        "interleaved",
        "llava",
        "ocr",
        "slides",
        "stories",
        "text",
        "try_on",
    ]
    assert {name: make_format(name, {}).name for name in FORMATS} == {name: name for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_goes_to_another_process(name: str) -> None:
    made = make_format(name, {})
    assert pickle.loads(pickle.dumps(made)) == made


def test_options_come_as_json_has_them() -> None:
    assert make_format("llava", {"grids": ["1x1", "2x1"]}) == make_format("llava", {"grids": ("1x1", "2x1")})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("parquet", {}, "there is no format 'parquet'; allowed are captions, edits, grounded_captions"),
        ("slides", {"grids": []}, "options of slides: grids: Unexpected keyword argument; it takes no options"),
        ("text", {"max_characters": 0}, "max_characters: Input should be greater than or equal to 1"),
        ("llava", {"grid": "1x1"}, "grid: Unexpected keyword argument; it takes grids, images, system_prompt"),
        ("llava", {"grids": ["1by1"]}, "grids: grid '1by1' must be columns x rows, for example '2x1'"),
        ("llava", {"grids": []}, "grids: Tuple should have at least 1 item"),
        ("captions", {"read_share": 1.5}, "read_share: Input should be less than or equal to 1"),
        ("edits", {"replies": ["<img>"]}, "replies.0: the text holds '<img>'"),
        ("stories", {"chunk": "ten"}, "chunk: Input should be a valid integer"),
        ("grounded_captions", {"spans": "verbs"}, "spans: Input should be 'noun_chunks' or 'ref_exps'"),
        ("try_on", {"layout": "viton"}, "layout: Input should be 'viton_hd' or 'dress_code'"),
        ("try_on", {"split": "../x"}, "split: String should match pattern"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as error:
        make_format(name, options)
    assert message in str(error.value)
