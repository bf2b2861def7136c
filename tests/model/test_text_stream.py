"""Text that comes id by id is the text of all ids, however the characters fall on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedx_sdk.engine import NANO
from seedx_sdk.model.text_stream import TextStream
from seedx_sdk.model.tokenizer import Tokenizer

LLAMA = Path(__file__).resolve().parents[1] / "parity" / "golden" / "tokenizer"
PIECES = [Tokenizer.from_pretrained(directory).pieces for directory in (NANO / "llm", LLAMA)]


def streamed(pieces: Any, ids: list[int]) -> list[str]:
    stream = TextStream(pieces)
    return [stream.add(token) for token in ids]


def decoded_whole(pieces: Any, ids: list[int]) -> str:
    """Return what is certain of the text after each id, each time decoded from the first id on."""
    told = ""
    for end in range(1, len(ids) + 1):
        text = pieces.decode(ids[:end])
        if not text.endswith("\ufffd"):
            told = text
    return told


@pytest.mark.parametrize("pieces", PIECES)
@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=40))
def test_text_comes_back_whole(pieces: Any, text: str) -> None:
    ids = pieces.encode(text)
    assert "".join(streamed(pieces, ids)) == pieces.decode(ids)


@pytest.mark.parametrize("pieces", PIECES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_ids_give_what_decoding_all_of_them_gives(pieces: Any, data: st.DataObject) -> None:
    byte_ids = [i for i in range(pieces.get_piece_size()) if pieces.is_byte(i)]
    any_id = st.integers(3, pieces.get_piece_size() - 1)
    ids = data.draw(st.lists(st.one_of(any_id, st.sampled_from(byte_ids or [3])), max_size=30))
    ids.append(pieces.encode("end")[-1])  # so that nothing is held
    assert "".join(streamed(pieces, ids)) == decoded_whole(pieces, ids)


@pytest.mark.parametrize("pieces", PIECES)
def test_a_character_comes_with_its_last_byte(pieces: Any) -> None:
    ids = pieces.encode("a🦊b")
    given = streamed(pieces, ids)
    assert "".join(given) == "a🦊b" and "🦊" in given
    assert not any("\ufffd" in piece for piece in given)
    assert given.count("") == len(ids) - 3 - given.count(" ")


@pytest.mark.parametrize("pieces", PIECES)
def test_bytes_that_are_no_character_are_not_held_for_ever(pieces: Any) -> None:
    byte = pieces.piece_to_id("<0x80>")
    given = streamed(pieces, [byte] * 50)
    assert "".join(given) == "\ufffd" * 47


class CountingPieces:
    """The sentencepiece model, and how many ids it has decoded."""

    def __init__(self, pieces: Any) -> None:
        self._pieces, self.decoded = pieces, 0

    def decode(self, ids: list[int]) -> str:
        self.decoded += len(ids)
        text: str = self._pieces.decode(ids)
        return text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pieces, name)


@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("text", ["a red house and a 🦊. ", "<0x80>"])
def test_the_work_is_linear_in_the_ids(pieces: Any, text: str) -> None:
    ids = [pieces.piece_to_id(text)] if text.startswith("<") else pieces.encode(text)
    work = []
    for copies in (100, 200):
        counting = CountingPieces(pieces)
        streamed(counting, ids * copies)
        work.append(counting.decoded)
    assert work[1] < 2.1 * work[0] < 20 * len(ids) * 100
