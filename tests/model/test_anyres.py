from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedx_sdk.model.grids import READ_GRIDS, choose_grid, parse_grid, patch_positions


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_grid_is_one_of_the_allowed(width: int, height: int) -> None:
    columns, rows = choose_grid((width, height), READ_GRIDS, 448)
    assert f"{columns}x{rows}" in READ_GRIDS
    positions = patch_positions(columns, rows)
    assert len(positions) == columns * rows + 1
    assert positions[-1] == (0.5, 0.5)


@pytest.mark.parametrize("name", ["2", "0x1", "axb", "1x-1"])
def test_bad_grid_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="columns x rows"):
        parse_grid(name)
