"""The regions that a layout planner gives a slide, and the places that they become.

Whatever a planner returns is normalized here: inside the safe area, on the grid, without overlaps. What cannot be
normalized raises LayoutError, and the slide follows the template's layouts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.illustration.illustrator import Illustration

Frame: TypeAlias = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the slide's width and height."""
RegionKind: TypeAlias = Literal["title", "text", "picture"]

SAFE_AREA: Frame = (1 / 24, 1 / 24, 23 / 24, 21 / 24)
"""Nothing stands outside; the footer is below."""
COLUMNS = ROWS = 48
"""The grid that regions are snapped to."""
_LEAST: dict[RegionKind, tuple[float, float]] = {"title": (0.25, 0.08), "text": (0.2, 0.15), "picture": (0.1, 0.1)}
"""Smaller regions hold nothing that can be read or seen."""
_SAME = 0.75
"""A region that shares this much with a placeholder of the layout is that placeholder."""


class LayoutError(ValueError):
    """Regions from which no slide can be made."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """The size of a slide in inches."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a slide."""

    kind: RegionKind
    box: Frame
    text: str = ""
    """What stands in it, or the caption of a picture."""
    z: int = 0
    """Regions with a higher number are in front."""


@dataclass(frozen=True, slots=True)
class SlideDesign:
    """Where everything on a slide goes."""

    title: Frame
    body: Frame | None
    """None if the slide has only a title."""
    pictures: tuple[tuple[Frame, Illustration], ...]

    def regions(self) -> list[Region]:
        """Return the regions of its parts, the pictures in their order."""
        body = [] if self.body is None else [Region("text", self.body)]
        pictures = [Region("picture", frame, z=z) for z, (frame, _) in enumerate(self.pictures)]
        return [Region("title", self.title), *body, *pictures]


class LayoutPlanner(Protocol):
    """Decides where the title, the text and the picture of a slide go; pass it to make_slides(layout=...)."""

    def arrange(self, plan: SlidePlan, page: PageSize, theme: str) -> list[Region]:
        """Return the regions of a slide: a title, one text if it has points, and one for each picture.

        An empty list leaves the slide to the template's layouts.

        Args:
            plan: What the slide holds.
            page: The size of the slide.
            theme: The name of the theme, or "template".
        """
        ...


def regions_of(planner: LayoutPlanner, plan: SlidePlan, page: PageSize, theme: str) -> list[Region]:
    """Return the regions that a layout planner gives a slide.

    Raises:
        LayoutError: If it fails, or returns anything but regions.
    """
    try:
        answer: Sequence[object] = list(planner.arrange(plan, page, theme) or ())
    except Exception as error:  # a layout planner may be anything; the template's layouts are there without it
        raise LayoutError(str(error) or type(error).__name__) from error
    regions = [region for region in answer if isinstance(region, Region)]
    if len(regions) != len(answer):
        raise LayoutError(f"it has {len(answer) - len(regions)} parts that are not regions")
    return regions


def is_laid_out(plan: SlidePlan) -> bool:
    """Return whether a slide holds a title, points and pictures and nothing else, which a layout planner may place."""
    return plan.kind == "content" and not plan.holds_more and not plan.footnotes and bool(plan.title.strip())


def settled(
    regions: Sequence[Region], pictures: Sequence[Illustration], *, has_points: bool, placeholders: Sequence[Frame]
) -> SlideDesign:
    """Return the places of a slide's parts.

    Args:
        regions: What a layout planner answered.
        pictures: The pictures of the slide.
        has_points: Whether the slide has text below its title.
        placeholders: The title and the body of the layout that is used.

    Raises:
        LayoutError: If a part has no region, or one that is absurd, too small or covered by another.
    """
    placed: list[tuple[RegionKind, Frame]] = []
    wanted: dict[RegionKind, int] = {"title": 1, "text": int(has_points), "picture": len(pictures)}
    for kind, count in wanted.items():
        found = sorted(
            (region for region in regions if region.kind == kind and _is_sound(region)), key=lambda one: one.z
        )
        if len(found) < count:
            raise LayoutError(f"it has {len(found)} usable regions for a {kind}, and {count} are needed")
        largest = sorted(found, key=lambda one: -_area(one.box))[:count]
        placed += [(kind, _snapped(region.box, placeholders)) for region in found if region in largest][:count]
    frames = [frame for _, frame in placed]
    for number, (kind, frame) in enumerate(placed):
        for other in frames[:number]:
            frame = _apart(frame, other)
        wide, high = frame[2] - frame[0], frame[3] - frame[1]
        if wide < _LEAST[kind][0] or high < _LEAST[kind][1]:
            raise LayoutError(f"its region for the {kind} is too small, or covered by another one")
        frames[number] = frame
    if any(frame[1] < frames[0][3] and _shares_columns(frame, frames[0]) for frame in frames[1:]):
        raise LayoutError("its title is not above the text and the pictures")
    body = frames[1] if has_points else None
    shown = frames[2:] if has_points else frames[1:]
    return SlideDesign(frames[0], body, tuple(zip(shown, pictures, strict=True)))


def _is_sound(region: Region) -> bool:
    """Return whether a region has four finite sides, in order, and at least half of it lies on the page."""
    box: object = region.box
    sides = [*box, region.z] if isinstance(box, tuple | list) and len(box) == 4 else []
    if not sides or not all(isinstance(side, int | float) and math.isfinite(side) for side in sides):
        return False
    x0, y0, x1, y1 = box = region.box
    if x1 <= x0 or y1 <= y0:
        return False
    on_page = (max(0.0, x0), max(0.0, y0), min(1.0, x1), min(1.0, y1))
    return on_page[2] > on_page[0] and on_page[3] > on_page[1] and _area(on_page) >= 0.5 * _area(box)


def _snapped(box: Frame, placeholders: Sequence[Frame]) -> Frame:
    """Return the placeholder that a box means, else the box on the grid, inside the safe area."""
    for placeholder in placeholders:
        both = _area(box) + _area(placeholder) - _common(box, placeholder)
        if both > 0 and _common(box, placeholder) / both >= _SAME:
            return placeholder
    inside = (
        max(SAFE_AREA[0], box[0]),
        max(SAFE_AREA[1], box[1]),
        min(SAFE_AREA[2], box[2]),
        min(SAFE_AREA[3], box[3]),
    )
    x0, y0, x1, y1 = (
        round(side * steps) / steps for side, steps in zip(inside, (COLUMNS, ROWS, COLUMNS, ROWS), strict=True)
    )
    return x0, y0, x1, y1


def _apart(frame: Frame, other: Frame) -> Frame:
    """Return what is left of a frame beside another one, on the side where most is left."""
    if _common(frame, other) <= 0:
        return frame
    x0, y0, x1, y1 = frame
    gap = 1 / ROWS
    left = [
        (x0, other[3] + gap, x1, y1),
        (x0, y0, x1, other[1] - gap),
        (other[2] + gap, y0, x1, y1),
        (x0, y0, other[0] - gap, y1),
    ]
    return max(left, key=_area)


def _shares_columns(one: Frame, other: Frame) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0])


def _common(one: Frame, other: Frame) -> float:
    return _area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))


def _area(box: Frame) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
