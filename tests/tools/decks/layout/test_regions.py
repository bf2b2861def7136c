"""Whatever regions a layout planner answers, the deck loses no text, has no faults and as many slides as asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools.decks.layout.regions import LayoutError, PageSize, Region, RegionKind, settled
from seedx_tools.decks.lint.check import check_deck
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.results import Deck
from seedx_tools.illustration.illustrator import Illustration

POINTS = ("Boats are easy to see", "Summers are long", "Parents can help on weekends")
OUTLINE = Outline(
    title="A boat school",
    picture="",
    slides=(
        SlidePlan(title="Why we teach children to sail", bullets=POINTS, picture_file="boat.png", picture="A boat"),
    ),
)
GOOD = (
    Region("title", (0.1, 0.06, 0.9, 0.2)),
    Region("text", (0.1, 0.25, 0.5, 0.8)),
    Region("picture", (0.55, 0.25, 0.9, 0.8), "A boat"),
)


class Scripted:
    """A layout planner that answers the same regions for every slide."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.regions = list(regions)

    def arrange(self, _plan: SlidePlan, _page: PageSize, _theme: str) -> list[Region]:
        return self.regions


def made(seedx: SeedX, folder: Path, regions: Sequence[Region]) -> Deck:
    Image.new("RGB", (800, 600), "navy").save(folder / "boat.png")
    path = folder / "deck.pptx"
    return make_slides(seedx, OUTLINE, path=path, files=folder, pictures=False, layout=Scripted(regions))


def shapes(deck: Deck) -> dict[str, Any]:
    found: Any = Presentation(str(deck.path)).slides[1].shapes
    return {shape.text_frame.text if shape.has_text_frame else "picture": shape for shape in found}


def test_parts_go_to_their_regions_on_the_grid_and_in_their_aspect(seedx: SeedX, tmp_path: Path) -> None:
    deck = made(seedx, tmp_path, GOOD)
    assert deck.warnings == () and check_deck(deck.path).ok
    found = shapes(deck)
    picture, text = found["picture"], found["\n".join(POINTS)]
    wide, high = 13.333 * 914_400, 7.5 * 914_400
    assert abs(text.left - wide * 5 / 48) < 9000 and abs(text.top - high * 12 / 48) < 9000
    assert abs(picture.width / picture.height - 800 / 600) < 0.01
    assert wide * 26 / 48 - 9000 < picture.left and picture.left + picture.width < wide * 43 / 48 + 9000


NAN = float("nan")
BAD: list[tuple[str, tuple[Region, ...]]] = [
    ("0 usable regions for a title", GOOD[1:]),
    ("0 usable regions for a text", (GOOD[0], GOOD[2])),
    ("0 usable regions for a picture", GOOD[:2]),
    ("0 usable regions for a title", (Region("title", (NAN, 0.1, 0.9, 0.2)), *GOOD[1:])),
    ("0 usable regions for a picture", (*GOOD[:2], Region("picture", (1.2, 0.2, 1.9, 0.8)))),
    ("0 usable regions for a text", (GOOD[0], Region("text", (0.5, 0.8, 0.1, 0.2)), GOOD[2])),
    ("too small", (GOOD[0], Region("text", (0.1, 0.3, 0.12, 0.31)), GOOD[2])),
    ("covered by another one", (GOOD[0], Region("text", GOOD[2].box), GOOD[2])),
    ("not above", (Region("title", (0.1, 0.7, 0.9, 0.85)), Region("text", (0.1, 0.1, 0.5, 0.6)), GOOD[2])),
]


@pytest.mark.parametrize(("why", "regions"), BAD)
def test_regions_from_which_no_slide_can_be_made_are_a_warning(
    why: str, regions: tuple[Region, ...], seedx: SeedX, tmp_path: Path
) -> None:
    deck = made(seedx, tmp_path, regions)
    (warning,) = deck.warnings
    assert warning.startswith("slide 2: its layout was not used, the template's was: ") and why in warning
    assert check_deck(deck.path).ok and len(deck.slides) == 2
    assert "\n".join(POINTS) in shapes(deck) and "picture" in shapes(deck)


def test_a_planner_that_fails_or_leaves_it_to_the_template_changes_nothing(seedx: SeedX, tmp_path: Path) -> None:
    class Broken:
        def arrange(self, *_args: object) -> list[Region]:
            raise KeyError("no idea")

    class Silent:
        def arrange(self, *_args: object) -> list[Region]:
            return []

    path = tmp_path / "deck.pptx"
    plain = Outline(title="A", slides=(SlidePlan(title="B", bullets=("c",)),))
    deck = make_slides(seedx, plain, path=path, pictures=False, layout=Broken())
    assert deck.warnings == ("slide 2: its layout was not used, the template's was: 'no idea'",)
    assert make_slides(seedx, plain, path=path, pictures=False, layout=Silent()).warnings == ()


ODD: list[tuple[Any, str]] = [
    ([{"kind": "title", "box": (0.1, 0.1, 0.9, 0.2)}], "1 parts that are not regions"),
    ([*GOOD, None], "1 parts that are not regions"),
    (7, "not iterable"),
    ((Region("title", None), *GOOD[1:]), "0 usable regions for a title"),  # type: ignore[arg-type]
    ((Region("title", ("a", 0, 1, "b")), *GOOD[1:]), "0 usable regions for a title"),  # type: ignore[arg-type]
    ((Region("title", (0.1, 0.1, 0.9)), *GOOD[1:]), "0 usable regions for a title"),  # type: ignore[arg-type]
    ((Region("title", GOOD[0].box, z=None), *GOOD[1:]), "0 usable regions for a title"),  # type: ignore[arg-type]
    ((Region("header", GOOD[0].box), *GOOD[1:]), "0 usable regions for a title"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("answer", "why"), ODD)
def test_answers_that_are_no_regions_are_a_warning(answer: Any, why: str, seedx: SeedX, tmp_path: Path) -> None:
    class Odd:
        def arrange(self, *_args: object) -> Any:
            return answer

    Image.new("RGB", (800, 600), "navy").save(tmp_path / "boat.png")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", files=tmp_path, pictures=False, layout=Odd())
    (warning,) = deck.warnings
    assert warning.startswith("slide 2: its layout was not used, the template's was: ") and why in warning
    assert "\n".join(POINTS) in shapes(deck) and "picture" in shapes(deck)


def test_of_hundreds_of_regions_the_largest_are_used(seedx: SeedX, tmp_path: Path) -> None:
    kinds: list[RegionKind] = ["title", "text", "picture"]
    specks = [Region(kinds[n % 3], (n / 600, n / 600, n / 600 + 0.05, n / 600 + 0.05), z=n) for n in range(500)]
    deck = made(seedx, tmp_path, [*specks, *GOOD])
    assert deck.warnings == () and check_deck(deck.path).ok
    assert shapes(deck)["\n".join(POINTS)].left == pytest.approx(13.333 * 914_400 * 5 / 48, abs=9000)


SIDE = st.one_of(st.floats(-0.5, 1.5), st.sampled_from([NAN, float("inf"), 0.0, 1.0, 1e300]))
KINDS: list[RegionKind] = ["title", "text", "picture"]
REGION = st.builds(Region, st.sampled_from(KINDS), st.tuples(SIDE, SIDE, SIDE, SIDE), z=st.integers(-3, 3))
NEARLY = st.lists(st.floats(-0.15, 0.15), min_size=12, max_size=12).map(
    lambda shifts: [
        Region(region.kind, tuple(side + shifts[4 * n + k] for k, side in enumerate(region.box)))  # type: ignore[arg-type]
        for n, region in enumerate(GOOD)
    ]
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(regions=st.one_of(NEARLY, st.lists(REGION, max_size=6)))
def test_any_regions_give_a_whole_deck(regions: list[Region], seedx: SeedX, tmp_path: Path) -> None:
    deck = made(seedx, tmp_path, regions)
    found = shapes(deck)
    assert "\n".join(POINTS) in found and OUTLINE.slides[0].title in found and "picture" in found
    assert check_deck(deck.path).findings == ()
    assert len(deck.slides) == 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(regions=st.one_of(NEARLY, st.lists(REGION, max_size=6)))
def test_settled_parts_are_apart_and_in_the_safe_area(regions: list[Region]) -> None:
    picture = Illustration(Image.new("RGB", (8, 6)), alt="A boat")
    try:
        design = settled(regions, [picture], has_points=True, placeholders=())
    except LayoutError:
        return
    assert design.body is not None
    frames = [design.title, design.body, design.pictures[0][0]]
    for number, (x0, y0, x1, y1) in enumerate(frames):
        assert 1 / 24 - 1e-9 <= x0 < x1 <= 23 / 24 + 1e-9 and 1 / 24 - 1e-9 <= y0 < y1 <= 21 / 24 + 1e-9
        for other in frames[:number]:
            assert min(x1, other[2]) <= max(x0, other[0]) or min(y1, other[3]) <= max(y0, other[1])
