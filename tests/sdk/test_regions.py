from __future__ import annotations

import pytest

pytest.importorskip("numpy")

import numpy as np
from PIL import Image

from seedx_sdk import InputError
from seedx_sdk.regions import blank_region

IMAGE = Image.fromarray(np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3))


def changed(blanked: Image.Image) -> list[tuple[int, int]]:
    """Return the (x, y) of all pixels that are not those of IMAGE."""
    different = (np.asarray(blanked) != np.asarray(IMAGE)).any(axis=-1)
    return [(int(x), int(y)) for y, x in np.argwhere(different)]


def test_exactly_the_region_is_gray() -> None:
    before = IMAGE.copy()
    blanked = blank_region(IMAGE, (2, 1, 5, 3))
    assert changed(blanked) == [(x, y) for y in (1, 2) for x in (2, 3, 4)]
    assert {blanked.getpixel((x, y)) for x, y in changed(blanked)} == {(128, 128, 128)}
    assert before == IMAGE, "the given image stays as it is"


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_mask_leaves_the_rest_of_the_region(mode: str) -> None:
    mask = Image.new(mode, IMAGE.size)
    for place in ((2, 1), (4, 2), (7, 5)):  # the last one is outside of the region
        mask.putpixel(place, 1)
    assert changed(blank_region(IMAGE, (2, 1, 5, 3), mask)) == [(2, 1), (4, 2)]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="must be of one size"):
        blank_region(IMAGE, (0, 0, 2, 2), Image.new("L", (8, 5)))
    with pytest.raises(InputError, match="not inside the image of 8x6 pixels"):
        blank_region(IMAGE, (0, 0, 9, 2))
