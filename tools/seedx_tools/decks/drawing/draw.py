"""Draw a visual on a slide: the family that its kind names, with as many items as fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pptx.slide import Slide

from seedx_tools.decks.drawing.canvas import Canvas
from seedx_tools.decks.drawing.cards import draw_big_number, draw_cards, draw_kpis
from seedx_tools.decks.drawing.comparison import draw_comparison
from seedx_tools.decks.drawing.flow import draw_flow
from seedx_tools.decks.drawing.levels import draw_funnel, draw_pyramid
from seedx_tools.decks.drawing.matrix import draw_matrix
from seedx_tools.decks.drawing.names import KIND_NAMES
from seedx_tools.decks.drawing.org_chart import draw_org_chart
from seedx_tools.decks.drawing.steps import draw_cycle, draw_process
from seedx_tools.decks.drawing.timeline import draw_timeline
from seedx_tools.decks.ooxml.layouts import EmuFrame, next_shape_id
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.languages.direction import slide_is_mirrored
from seedx_tools.decks.text.strings import mostly_right_to_left
from seedx_tools.decks.visuals import Visual, VisualKind

_FAMILIES: Mapping[VisualKind, Callable[[Canvas, Visual], None]] = {
    "kpis": draw_kpis,
    "cards": draw_cards,
    "big_number": draw_big_number,
    "process": draw_process,
    "cycle": draw_cycle,
    "timeline": draw_timeline,
    "matrix": draw_matrix,
    "comparison": draw_comparison,
    "pyramid": draw_pyramid,
    "funnel": draw_funnel,
    "org_chart": draw_org_chart,
    "flow": draw_flow,
}
_CONTINUE: Mapping[VisualKind, int] = {"kpis": 8, "cards": 9, "process": 12, "timeline": 9, "comparison": 10}
"""The kinds that go on on another slide, and the most items of each on one."""
_COUNTS: Mapping[VisualKind, tuple[int, int, VisualKind]] = {
    "big_number": (1, 1, "kpis"),
    "cycle": (3, 8, "process"),
    "matrix": (2, 4, "cards"),
    "pyramid": (2, 7, "process"),
    "funnel": (2, 7, "process"),
}
"""How many items a kind can show, at least and at most, and the kind that shows another number of them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a visual."""

    rest: Visual | None
    """The items that did not fit, for a further slide."""
    shortened: tuple[str, ...]
    """The full texts that were shortened."""
    unknown_icons: tuple[str, ...]
    """Words that name no icon."""
    kind: VisualKind
    """The kind that was drawn: another one than wanted if that cannot show this number of items."""


def draw_visual(slide: Slide, frame: EmuFrame, visual: Visual) -> Drawn:
    """Draw a visual in a frame on a slide, as named shapes."""
    least, most, other = _COUNTS.get(visual.kind, (1, len(visual.items), visual.kind))
    if not least <= len(visual.items) <= most:
        visual = visual.model_copy(update={"kind": other})
    count = len(visual.items)
    pages = range(-(-count // _CONTINUE.get(visual.kind, count)), count + 1)
    sizes = sorted({-(-count // number) for number in pages}, reverse=True) if visual.kind in _CONTINUE else [count]
    for size in sizes:
        canvas = _drawn(slide, frame, visual.model_copy(update={"items": visual.items[:size]}))
        if not canvas.shortened:
            break
        canvas.remove()
    else:
        size = sizes[0]
        canvas = _drawn(slide, frame, visual.model_copy(update={"items": visual.items[:size]}))
    rest = visual.model_copy(update={"items": visual.items[size:]}) if size < count else None
    return Drawn(rest, tuple(canvas.shortened), tuple(canvas.unknown_icons), visual.kind)


def _drawn(slide: Slide, frame: EmuFrame, visual: Visual) -> Canvas:
    labels = (plain_text(item.label) for item in visual.items)
    mirrored = slide_is_mirrored(slide) or mostly_right_to_left(labels)
    canvas = Canvas(slide, frame, f"{KIND_NAMES[visual.kind]} {next_shape_id(slide)}", mirrored=mirrored)
    _FAMILIES[visual.kind](canvas, visual)
    return canvas
