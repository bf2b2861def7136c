"""A text ends before the first stop text, however it comes in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seedx_sdk.engine.stop_texts import StopTexts

LETTERS = st.text("ab ", max_size=12)


@given(pieces=st.lists(LETTERS, max_size=6), stop=st.lists(st.text("ab ", min_size=1, max_size=4), max_size=3))
def test_pieces_give_what_the_whole_text_gives(pieces: list[str], stop: list[str]) -> None:
    stops, text = StopTexts(stop), "".join(pieces)
    told = "".join(map(stops.add, pieces)) + stops.release()
    starts = [start for start in map(text.find, stop) if start >= 0]
    assert stops.found == bool(starts)
    assert told == (text[: min(starts)].rstrip() if starts else text)


def test_only_what_may_begin_a_stop_text_is_held_back() -> None:
    stops = StopTexts(["blue boat"])
    assert [stops.add(piece) for piece in ("a b", "lue", " house ", "blue boa", "t, far")] == [
        "a",
        "",
        " blue house",
        "",
        "",
    ]
    assert (stops.found, stops.release()) == (True, "")
