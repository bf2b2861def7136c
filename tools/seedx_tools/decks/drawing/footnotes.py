"""Draw the footnotes of a slide at its foot, in small type above the footer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide

from seedx_tools.decks.drawing.paint import Paint, Paints
from seedx_tools.decks.drawing.paragraphs import Paragraph, height_needed, paragraph_xml
from seedx_tools.decks.ooxml.layouts import EmuFrame, frame_of, next_shape_id
from seedx_tools.decks.ooxml.styles import (
    DEFAULT_FAMILY,
    EMU_PER_POINT,
    FOOTERS,
    TITLES,
    placeholder_type,
    theme_typefaces,
)
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME, marked_footnotes
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.reading import MARK_SHIFT

FOOTNOTE_POINTS = (10.0, 9.0)
"""The type sizes of footnotes, the largest that fits first."""
_MOST = 0.4
"""The most of the height of the body that footnotes take."""
_GAP = 6.0
"""Points between the body and the footnotes, and the footnotes and the footer."""
_SPACE = 2.0
"""Points between footnotes."""
_FULL = 0.9
"""A placeholder at least this share of the page high is a picture beside the text, which stays as it is."""


class Footnotes:
    """Draws the footnotes of one plan on the slides that show it.

    Args:
        page_height: The height of the page in EMU.
    """

    def __init__(self, page_height: int) -> None:
        self._page_height = page_height
        self._texts: dict[int, str] = {}
        """The footnotes of the plan by number."""
        self._loose: list[int] = []
        """Those without a mark, until a slide shows them."""
        self._shown: set[int] = set()
        self._feet: dict[int, Foot] = {}

    def begin(self, plan: SlidePlan) -> None:
        """Start a plan."""
        self._texts = dict(enumerate(plan.footnotes, start=1))
        marked = marked_footnotes(plan)
        self._loose = [number for number in self._texts if number not in marked]
        self._shown = set()

    def reserve(self, slide: Slide) -> None:
        """Keep room for the footnotes at the foot of a slide whose placeholders are empty."""
        if self._texts:
            self._feet[slide.slide_id] = Foot(slide, tuple(self._texts.values()), self._page_height)

    def write(self, slide: Slide) -> list[str]:
        """Write the footnotes whose marks are on a slide, and number both from 1; return those without room."""
        foot = self._feet.pop(slide.slide_id, None)
        if foot is None:
            return []
        marked = number_marks(slide)
        lines = [(place, self._texts[number]) for place, number in enumerate(marked, start=1)]
        lines += [(0, self._texts[number]) for number in self._loose]
        self._shown.update(marked, self._loose)
        self._loose = []
        has_room = not lines or foot.write(lines)
        return [] if has_room else [f"{place or ''} {plain_text(text)}".strip() for place, text in lines]

    def end(self) -> list[str]:
        """End a plan; return its footnotes that no slide shows."""
        left = [plain_text(text) for number, text in self._texts.items() if number not in self._shown]
        self._texts = {}
        return left


class Foot:
    """The room for footnotes on one slide.

    Args:
        slide: A slide with its empty placeholders.
        footnotes: The footnotes that it may need, in inline Markdown.
        page_height: The height of the page in EMU.
    """

    def __init__(self, slide: Slide, footnotes: Sequence[str], page_height: int) -> None:
        self._slide, self._page_height = slide, page_height
        self._family = next(iter(theme_typefaces(slide)[-1:]), DEFAULT_FAMILY)
        self._paint = Paints(slide).text
        self._left, self._right, top, self._bottom = self._room()
        self._most = round(_MOST * (self._bottom - top))
        needed = min(self._most, self._height(footnotes, FOOTNOTE_POINTS[0]))
        self._reserve(self._bottom - needed - round(_GAP * EMU_PER_POINT))

    def write(self, footnotes: Sequence[tuple[int, str]]) -> bool:
        """Write numbered footnotes, or nothing if they do not fit; return whether they do.

        Args:
            footnotes: Numbers and texts; 0 is no number.
        """
        lines = [f"[^{number}] {text}" if number else text for number, text in footnotes]
        fitting = (size for size in FOOTNOTE_POINTS if self._height(lines, size) <= self._most)
        if (size := next(fitting, None)) is None:
            return False
        height = self._height(lines, size)
        number = next_shape_id(self._slide)
        paragraphs = "".join(
            paragraph_xml(self._slide, one, mirrored=False) for one in _paragraphs(lines, size, self._paint)
        )
        self._slide.shapes._spTree.append(
            parse_xml(
                f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr><p:cNvPr id='{number}' name='{FOOTNOTES_NAME}'/>"
                "<p:cNvSpPr txBox='1'/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>"
                f"<a:off x='{self._left}' y='{self._bottom - height}'/>"
                f"<a:ext cx='{self._right - self._left}' cy='{height}'/></a:xfrm>"
                "<a:prstGeom prst='rect'><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody>"
                "<a:bodyPr wrap='square' lIns='0' tIns='0' rIns='0' bIns='0' anchor='b'><a:normAutofit/></a:bodyPr>"
                f"<a:lstStyle/>{paragraphs}</p:txBody></p:sp>"
            )
        )
        return True

    def _height(self, lines: Sequence[str], points: float) -> int:
        width = (self._right - self._left) / EMU_PER_POINT
        numbered = [f"{text} 00" for text in lines]
        return round(
            (height_needed(_paragraphs(numbered, points, self._paint), width, self._family) + 1) * EMU_PER_POINT
        )

    def _room(self) -> tuple[int, int, int, int]:
        """Return left and right of the footnotes, the top of the body, and the bottom of the footnotes."""
        frames = [frame for kind, _, frame in self._placeholders() if kind not in TITLES]
        low = [frame for frame in frames if frame[3] < _FULL * self._page_height]
        titles = [frame for kind, _, frame in self._placeholders() if kind in TITLES]
        wide = low or titles
        left, right = min(frame[0] for frame in wide), max(frame[0] + frame[2] for frame in wide)
        layout: Any = self._slide.slide_layout.placeholders
        feet = [frame_of(shape)[1] for shape in layout if placeholder_type(shape.element) in FOOTERS]
        gap = round(_GAP * EMU_PER_POINT)
        floor = min(
            (top - gap for top in feet if top > 0.8 * self._page_height), default=round(0.94 * self._page_height)
        )
        masters: Any = self._slide.slide_layout.slide_master.placeholders
        bodies = [frame_of(shape) for shape in masters if placeholder_type(shape.element) == "body"]
        bottom = min(floor, max(frame[1] + frame[3] for frame in (*low, *bodies))) if low else floor
        top = min((frame[1] for frame in low), default=max((frame[1] + frame[3] for frame in titles), default=0))
        return left, right, top, bottom

    def _reserve(self, floor: int) -> None:
        """End the placeholders above the footnotes."""
        for kind, shape, (left, top, width, height) in self._placeholders():
            if kind not in TITLES and height < _FULL * self._page_height and top < floor < top + height:
                shape.left, shape.top, shape.width, shape.height = left, top, width, floor - top

    def _placeholders(self) -> Iterator[tuple[str | None, Any, EmuFrame]]:
        for shape in self._slide.placeholders:
            kind = placeholder_type(shape.element)
            if kind not in FOOTERS:
                yield kind, shape, frame_of(shape)


def _paragraphs(lines: Sequence[str], size: float, paint: Paint) -> list[Paragraph]:
    return [Paragraph(line, size, paint, space_before=_SPACE if place else 0.0) for place, line in enumerate(lines)]


def number_marks(slide: Slide) -> list[int]:
    """Give the marks on a slide numbers from 1; return the numbers that they had, in order."""
    marks = [run for run in slide.element.iter(qn("a:r")) if is_mark(run)]
    numbers = sorted({number for run in marks for number in _numbers(run)})
    places = {number: place for place, number in enumerate(numbers, start=1)}
    for run in marks:
        text = run.find(qn("a:t"))
        text.text = f"{',' if text.text.startswith(',') else ''}{places[_numbers(run)[0]]}"
    return numbers


def is_mark(run: Any) -> bool:
    """Return whether an a:r is a raised number."""
    properties = run.find(qn("a:rPr"))
    return properties is not None and properties.get("baseline") == str(MARK_SHIFT) and bool(_numbers(run))


def _numbers(run: Any) -> list[int]:
    return [int(part) for part in str(run.findtext(qn("a:t")) or "").split(",") if part.strip().isdigit()]
