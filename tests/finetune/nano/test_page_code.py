"""The code of a page: what it says of every thing, and that nothing of it is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seedx_finetune.nano.dialogues import ALIASES
from seedx_finetune.nano.page_code import (
    ALIAS,
    BACKGROUND,
    BOX,
    COLOR,
    COVER,
    KIND,
    NUMBER,
    OWN,
    THING_WIDTH,
    USED,
    WIDTH,
    cell_codes,
    cell_labels,
    cell_numbers,
    center_codes,
    circles,
    drawn_codes,
    feature_places,
    page_codes,
    places_within,
    rename,
)
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, Scene, Thing, box_around, sample_scene


def _page() -> Scene:
    cat, tree = (
        Thing(k, c, "small", box_around(k, xy, 0.25))
        for k, c, xy in (("cat", "red", (0.2, 0.3)), ("tree", "blue", (0.7, 0.7)))
    )
    return Scene("snow", (cat, tree))


def test_the_feature_at_its_centre_tells_all_of_a_thing() -> None:
    page = _page()
    features = page_codes([page])[0]
    assert features.shape == (64, WIDTH)
    assert feature_places(page) == [4 * 4 + 0, 11 * 4 + 2]
    for place, thing in zip(feature_places(page), page.things, strict=True):
        code = features[place]
        assert KINDS[int(code[KIND].argmax()) - 1] == thing.kind
        assert tuple(COLORS)[int(code[COLOR].argmax()) - 1] == thing.color
        x, y = thing.center
        torch.testing.assert_close(code[BOX][0], 1.4 * torch.tensor(np.pi * x).cos().float())
        torch.testing.assert_close(code[BOX][4], 1.4 * torch.tensor(np.pi * x).sin().float())
        x0, y0, x1, y1 = thing.box
        columns, rows = code[COVER].reshape(2, 16)
        for shown, low, high in ((columns, x0, x1), (rows, y0, y1)):
            assert (shown[int(low * 16) + 1 : int(high * 16)] == 1).all()
            assert (shown[: int(low * 16)] == -1).all() and (shown[int(high * 16) + 1 :] == -1).all()
    assert (features[:, KIND].argmax(-1) > 0).sum() == (features[:, COLOR].argmax(-1) > 0).sum() == 2
    assert not features[:, USED:].any()


def test_things_have_their_number_in_reading_order() -> None:
    page = _page()
    swapped = Scene("snow", page.things[::-1])
    for scene in (page, swapped):
        numbers = page_codes([scene])[0, :, NUMBER].argmax(-1)
        assert {place: int(numbers[place]) for place in numbers.nonzero().flatten().tolist()} == {16: 1, 46: 2}


def test_column_n_of_a_drawn_page_tells_its_nth_thing() -> None:
    page = _page()
    seen, drawn = page_codes([page])[0], drawn_codes([page])[0].reshape(16, 4, WIDTH)
    for column, place in enumerate(feature_places(page)):
        assert torch.equal(drawn[:, column, :THING_WIDTH], seen[place, :THING_WIDTH].expand(16, -1))
    assert (drawn[:, 2:, KIND].argmax(-1) == 0).all() and (drawn[..., NUMBER].argmax(-1) == 0).all()
    assert torch.equal(drawn[..., OWN].flatten(0, 1), seen[:, OWN])
    assert torch.equal(drawn[..., BACKGROUND].flatten(0, 1), seen[:, BACKGROUND])


def test_a_feature_tells_the_background_and_its_place() -> None:
    features = page_codes([_page()])[0]
    assert (features[:, BACKGROUND].argmax(-1) == tuple(BACKGROUNDS).index("snow")).all()
    assert len(torch.unique(features[:, OWN], dim=0)) == 64


def test_two_things_never_share_a_feature() -> None:
    rng = np.random.default_rng(1)
    for scene in (sample_scene(rng) for _ in range(100)):
        assert len(set(feature_places(scene))) == len(scene.things)
    near = [Thing("star", "red", "small", (x, 0.5, x + 0.05, 0.55)) for x in (0.01, 0.08, 0.15)]
    assert feature_places(Scene("snow", tuple(near))) == [32, 28, 33]


def test_a_stand_in_takes_the_place_of_a_name() -> None:
    page = _page()
    features = page_codes([page])[0]
    renamed = features.clone()
    rename(renamed, {"red": "book", "dog": "page"})
    place, _ = feature_places(page)
    assert renamed[place, ALIAS].nonzero().flatten().tolist() == [ALIASES.index("book")]
    assert not renamed[place, COLOR].any() and renamed[place, KIND].argmax() == 1 + KINDS.index("cat")
    assert torch.equal(renamed.norm(dim=-1), features.norm(dim=-1))
    rest = [i for i in range(64) if i != place]
    assert torch.equal(renamed[rest], features[rest])


def test_a_cell_tells_what_lies_on_it() -> None:
    page = _page()
    kinds, colors = (labels[0].reshape(16, 16) for labels in cell_labels([page]))
    codes = cell_codes([page])[0].reshape(16, 16, THING_WIDTH)
    numbers = cell_numbers([page])[0].reshape(16, 16)
    for number, thing in enumerate(page.things, start=1):
        x, y = thing.center
        x0, _, _, y1 = thing.box
        for column, row in ((int(x * 16), int(y * 16)), (int(x0 * 16 + 0.5), int(y1 * 16 - 0.5))):
            assert kinds[row, column] == codes[row, column, KIND].argmax() == 1 + KINDS.index(thing.kind)
            assert colors[row, column] == codes[row, column, COLOR].argmax() == 1 + tuple(COLORS).index(thing.color)
            assert numbers[row, column] == number
    assert kinds[0, 15] == colors[0, 15] == numbers[0, 15] == 0 and not codes[0, 15].any()


def test_exactly_one_cell_of_a_thing_is_its_centre() -> None:
    rng = np.random.default_rng(1)
    for scene in (sample_scene(rng) for _ in range(50)):
        centers = center_codes([scene])[0, :, KIND].argmax(-1).nonzero().flatten().tolist()
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
    assert torch.equal(places.any(-1), cell_labels([page])[0].reshape(16, 16) > 0)


def test_all_features_are_about_equally_long() -> None:
    rng = np.random.default_rng(2)
    lengths = page_codes([sample_scene(rng) for _ in range(20)]).norm(dim=-1)
    assert lengths.min() > 0.97 * lengths.max()


@pytest.mark.parametrize("turns", [(0.5,), (1.0, 4.0)])
def test_circles_tell_numbers_apart_and_have_one_radius(turns: tuple[float, ...]) -> None:
    points = circles(torch.linspace(0, 0.9, 10), turns)
    assert points.shape == (10, 2 * len(turns))
    torch.testing.assert_close(points.square().sum(-1), torch.full((10,), float(len(turns))))
    assert torch.cdist(points, points).fill_diagonal_(1).min() > 0.2
