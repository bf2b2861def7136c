"""Colors of the theme in which text stands out from what lies under it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pptx.enum.dml import MSO_THEME_COLOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.text.text import _Run

from seedx_tools.decks.lint.contrast import Ground, grounds_under, is_readable
from seedx_tools.decks.lint.page import Item, Page
from seedx_tools.decks.ooxml.styles import level_of, scheme_color, text_style
from seedx_tools.decks.shapes import Run
from seedx_tools.decks.text.shapes import font_scale
from seedx_tools.decks.text.tables import cell_fill

_COLORS = {
    "tx1": MSO_THEME_COLOR.TEXT_1,
    "bg1": MSO_THEME_COLOR.BACKGROUND_1,
    "tx2": MSO_THEME_COLOR.TEXT_2,
    "bg2": MSO_THEME_COLOR.BACKGROUND_2,
}


def recolor(page: Page, item: Item) -> None:
    """Give text that does not stand out another color of the theme, or a panel if no color does."""
    grounds = grounds_under(page, page.items.index(item))
    if item.placed.kind == "chart":
        _recolor_chart(page.slide, item, grounds)
        return
    for run, ground in _text_runs(page.slide, item):
        shown = _shown(page.slide, item, run, ground)
        under = [Ground((ground,))] if ground else grounds
        if all(is_readable(shown, one) for one in under):
            continue
        name = _readable_color(page.slide, shown, under)
        if name is None:
            _put_on_panel(item)
            name = "tx1"
        run.font.color.theme_color = _COLORS[name]


def _shown(slide: Slide, item: Item, run: _Run, ground: str | None) -> Run:
    """Return a run with its effective style."""
    element = item.placed.shape.element
    owner = element if element.tag == qn("p:sp") else element.makeelement(qn("p:sp"))
    paragraph: Any = run._r.getparent()
    style = text_style(slide, owner, paragraph, level_of(paragraph), run._r)
    return Run(run.text, style.size * font_scale(element), style.bold, style.color, ground)


def _text_runs(slide: Slide, item: Item) -> Iterator[tuple[_Run, str | None]]:
    """Yield the runs of a shape, each with the fill of its table cell."""
    shape = item.placed.shape
    if item.placed.kind == "table":
        frames = [(cell.text_frame, cell_fill(slide, cell)) for row in shape.table.rows for cell in row.cells]
    else:
        frames = [(shape.text_frame, None)] if shape.has_text_frame else []
    for frame, fill in frames:
        yield from ((run, fill) for paragraph in frame.paragraphs for run in paragraph.runs if run.text.strip())


def _recolor_chart(slide: Slide, item: Item, grounds: Sequence[Ground]) -> None:
    name = next((_readable_color(slide, run, grounds) for run in item.runs), None)
    if name is None:
        return
    for fill in item.placed.shape.chart._chartSpace.findall(f"{qn('c:txPr')}//{qn('a:solidFill')}"):
        fill.getparent().replace(fill, parse_xml(_solid(name)))


def _readable_color(slide: Slide, run: Run, grounds: Sequence[Ground]) -> str | None:
    """Return the name of the first color of the theme in which a run stands out; None if there is none."""
    for name in _COLORS:
        painted = replace(run, color=scheme_color(slide, name))
        if all(is_readable(painted, ground) for ground in grounds):
            return name
    return None


def _put_on_panel(item: Item) -> None:
    """Fill a shape with the color of the background, so that its text stands on that."""
    properties = item.placed.shape.element.find(qn("p:spPr"))
    for tag in ("a:noFill", "a:solidFill", "a:gradFill", "a:blipFill", "a:pattFill", "a:grpFill"):
        for old in properties.findall(qn(tag)):
            properties.remove(old)
    geometries = [child for child in properties if child.tag in (qn("a:xfrm"), qn("a:prstGeom"), qn("a:custGeom"))]
    properties.insert(len(geometries), parse_xml(_solid("bg1")))


def _solid(name: str) -> str:
    return f"<a:solidFill {nsdecls('a')}><a:schemeClr val='{name}'/></a:solidFill>"
