"""How points are shared out over slides."""

from __future__ import annotations

import pytest

from seedx_tools.decks.text.sharing import share_points


@pytest.mark.parametrize(
    ("points", "heights", "rooms", "shared"),
    [
        (["a", "b", "c", "d"], [1, 1, 1, 1], [3, 3], [["a", "b"], ["c", "d"]]),
        (["a", "b", "c"], [4, 1, 1], [5, 5], [["a"], ["b", "c"]]),
        (["a", "\tb", "c", "d"], [1, 1, 1, 1], [3, 3], [["a", "\tb"], ["c", "d"]]),
        (["a", "b", "c"], [1, 1, 1], [1, 4], [["a"], ["b", "c"]]),
        (["a", "b"], [3, 3], [2, 9], None),
        (["a"], [1], [2, 2], None),
    ],
)
def test_the_fullest_slide_is_as_empty_as_possible(
    points: list[str], heights: list[float], rooms: list[float], shared: list[list[str]] | None
) -> None:
    assert share_points(points, heights, rooms) == shared
