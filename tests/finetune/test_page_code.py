"""The code of a page: what it says of every cell, and that nothing of it is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seedx_finetune.page_code import (
    BACKGROUND,
    BOX,
    CELL_WIDTH,
    CENTER,
    COLOR,
    KIND,
    WIDTH,
    cell_codes,
    cell_dimensions,
    circles,
    page_codes,
    places_within,
)
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene, Thing, box_around, sample_scene


def _page() -> Scene:
    cat, tree = (
        Thing(k, c, "small", box_around(k, xy, 0.25))
        for k, c, xy in (("cat", "red", (0.2, 0.3)), ("tree", "blue", (0.7, 0.7)))
    )
    return Scene("snow", (cat, tree))


def test_a_cell_tells_the_kind_the_colour_and_the_box_of_what_lies_on_it() -> None:
    page = _page()
    codes = cell_codes([page])[0].reshape(16, 16, CELL_WIDTH)
    for thing in page.things:
        x0, y0, x1, y1 = thing.box
        x, y = thing.center
        for column, row in ((int(x * 16), int(y * 16)), (int(x0 * 16 + 0.5), int(y1 * 16 - 0.5))):
            code = codes[row, column]
            assert KINDS[int(code[KIND].argmax()) - 1] == thing.kind
            assert tuple(COLORS)[int(code[COLOR].argmax()) - 1] == thing.color
        told = codes[int(y * 16), int(x * 16), BOX]
        torch.testing.assert_close(told[0], 0.7 * torch.tensor(np.pi * x).cos().float())
        torch.testing.assert_close(told[4], 0.7 * torch.tensor(np.pi * x).sin().float())
    empty = codes[0, 15]
    assert empty[KIND].argmax() == 0 and empty[COLOR].argmax() == 0 and not empty[BOX].any()


def test_exactly_one_cell_of_a_thing_is_its_centre() -> None:
    rng = np.random.default_rng(1)
    for scene in (sample_scene(rng) for _ in range(50)):
        centers = cell_codes([scene])[0, :, CENTER].argmax(-1).nonzero().flatten().tolist()
        wanted = {int(y * 16) * 16 + int(x * 16) for x, y in (thing.center for thing in scene.things)}
        assert set(centers) == wanted and len(wanted) == len(scene.things)


def test_a_cell_knows_where_it_lies_within_the_box_of_its_thing() -> None:
    page = _page()
    places = places_within([page])[0].reshape(16, 16, -1)
    x0, y0, x1, y1 = page.things[0].box
    x, y = page.things[0].center
    row, column = int(y * 16), int(x * 16)
    across = ((column + 0.5) / 16 - x0) / (x1 - x0)
    torch.testing.assert_close(places[row, column, 2], torch.tensor(np.cos(2 * np.pi * across)).float())
    assert not places[0, 15].any()
    covered = cell_codes([page])[0].reshape(16, 16, CELL_WIDTH)[..., KIND].argmax(-1) > 0
    assert torch.equal(places.any(-1), covered)


def test_all_features_are_equally_long() -> None:
    rng = np.random.default_rng(2)
    lengths = page_codes([sample_scene(rng) for _ in range(20)]).norm(dim=-1)
    torch.testing.assert_close(lengths, lengths[:1, :1].expand_as(lengths))


def test_a_feature_holds_four_cells_the_background_and_its_place() -> None:
    page = _page()
    features, cells = page_codes([page])[0], cell_codes([page])[0]
    assert features.shape == (64, WIDTH)
    for cell in range(4):
        dimensions = cell_dimensions(cell)
        torch.testing.assert_close(features[9, dimensions[:CELL_WIDTH]], cells[36 + cell])
        assert dimensions[CELL_WIDTH:] == list(range(BACKGROUND.start, BACKGROUND.stop))
    assert (features[:, BACKGROUND].argmax(-1) == tuple(BACKGROUNDS).index("snow")).all()
    places = features[:, 4 * CELL_WIDTH : BACKGROUND.start]
    assert len(places.unique(dim=0)) == 64


@pytest.mark.parametrize("turns", [(0.5,), (1.0, 4.0)])
def test_circles_tell_numbers_apart_and_have_one_radius(turns: tuple[float, ...]) -> None:
    points = circles(torch.linspace(0, 0.9, 10), turns)
    assert points.shape == (10, 2 * len(turns))
    torch.testing.assert_close(points.square().sum(-1), torch.full((10,), float(len(turns))))
    assert torch.cdist(points, points).fill_diagonal_(1).min() > 0.2
