"""Other plans for a slide that the linter objects to: another layout, or its content on two slides."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from seedx_tools.decks.lint.findings import FindingKind
from seedx_tools.decks.outline import PictureSide, SlidePlan
from seedx_tools.decks.visuals import VisualKind
from seedx_tools.decks.writing.titles import numbered

_FULL: frozenset[FindingKind] = frozenset(("overflow", "off_slide", "overlap", "small_text", "wall_of_text"))
"""Faults of slides that hold too much."""
_LISTS: tuple[VisualKind, ...] = ("kpis", "cards", "process", "timeline", "pyramid", "funnel")
"""Drawings whose items can stand on two slides."""
_SIDES: tuple[PictureSide, ...] = ("right", "left")


class Alternative(NamedTuple):
    """Other plans for a slide."""

    plans: tuple[SlidePlan, ...]
    change: str
    """What differs, for a warning."""


def alternatives(plan: SlidePlan, faults: Collection[FindingKind]) -> Iterator[Alternative]:
    """Yield other plans for a slide with faults, those that change least first."""
    if "many_slices" in faults and plan.chart is not None:
        chart = plan.chart.model_copy(update={"kind": "horizontal_bar"})
        yield Alternative((plan.model_copy(update={"chart": chart}),), "its pie has many slices and became bars")
    if not _FULL & set(faults):
        return
    if plan.wants_picture and plan.bullets:
        for side in _SIDES:
            if side != plan.picture_side:
                moved = plan.model_copy(update={"picture_side": side})
                yield Alternative((moved,), f"its picture moved to the {side}")
    for count in (2, 3):
        if parts := _shared_out(plan, count):
            yield Alternative(parts, f"it held too much for one slide, and continues on {count - 1} more")


def _shared_out(plan: SlidePlan, count: int) -> tuple[SlidePlan, ...]:
    """Return a plan as several with numbered titles; nothing if it cannot be cut into so many."""
    if plan.footnotes or plan.kind != "content" or plan.quote or plan.table or plan.code or plan.chart:
        return ()
    contents: list[dict[str, object]] = [{} for _ in range(count)]
    if plan.columns:
        shares = [_cut(column.bullets, count) for column in plan.columns]
        if not all(shares):
            return ()
        for number, content in enumerate(contents):
            content["columns"] = tuple(
                column.model_copy(update={"bullets": share[number]})
                for column, share in zip(plan.columns, shares, strict=True)
            )
    elif plan.visual is not None:
        items = plan.visual.items
        if plan.visual.kind not in _LISTS or len(items) < 2 * count:
            return ()
        starts = [number * len(items) // count for number in range(count + 1)]
        for content, start, end in zip(contents, starts, starts[1:], strict=False):
            lit = plan.visual.highlight - start if start < plan.visual.highlight <= end else 0
            content["visual"] = plan.visual.model_copy(update={"items": items[start:end], "highlight": lit})
            content["bullets"] = plan.bullets if end == len(items) else ()
    else:
        points = _cut(plan.bullets, count)
        if not points:
            return ()
        for content, share in zip(contents, points, strict=True):
            content["bullets"] = share
    for content in contents[1:]:
        content |= {"notes": "", "picture": "", "picture_file": "", "gallery": ()}
    return tuple(
        plan.model_copy(update={**content, "title": numbered(plan.title, number, count)})
        for number, content in enumerate(contents, start=1)
    )


def _cut(points: tuple[str, ...], count: int) -> list[tuple[str, ...]]:
    """Return points in several parts, cut before points that are not indented; nothing if there are too few."""
    places = [number for number, point in enumerate(points) if number and not point.startswith("\t")]
    if len(places) < count - 1:
        return []
    cuts = [0]
    for number in range(1, count):
        left = [place for place in places if place > cuts[-1]]
        left = left[: len(left) - (count - 1 - number)]
        cuts.append(min(left, key=lambda place: abs(place - number * len(points) / count)))
    return [points[start:end] for start, end in zip(cuts, [*cuts[1:], len(points)], strict=True)]
