"""Lay out the text of shapes on their slide, for the linter and the preview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import EmuFrame, frame_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, TextStyle, body_property, insets, level_of, text_style
from seedx_tools.decks.text.inline import RAISED_DIGITS
from seedx_tools.decks.text.layout import Line, height_of, lay_out

PointRect: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in points."""

_NO_WRAP = 100_000.0


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The laid-out text of one shape; all lengths are in points from the slide's top left corner."""

    lines: tuple[Line, ...]
    left: float
    """The origin of the lines' x."""
    top: float
    """The origin of the lines' top."""
    room: float
    """The height that the box has for text."""
    scale: float
    """The shape's font scale (normAutofit)."""

    @property
    def height(self) -> float:
        """The height that the text needs."""
        return height_of(self.lines)

    @property
    def ink(self) -> PointRect:
        """The smallest rectangle around all lines, bullets included."""
        shown = [line for line in self.lines if line.text.strip()]
        if not shown:
            return self.left, self.top, self.left, self.top
        lefts = [line.x + (line.style.indent if line.bullet and not line.style.rtl else 0.0) for line in shown]
        rights = [line.x + line.width for line in shown]
        return (
            self.left + min(lefts),
            self.top + shown[0].top,
            self.left + max(rights),
            self.top + shown[-1].top + shown[-1].height,
        )


def place_text(slide: Slide, shape: Any, frame: EmuFrame | None = None, *, number: int = 0) -> PlacedText:
    """Return the laid-out text of a shape.

    Args:
        slide: The slide that the shape is on.
        shape: A shape with a text frame.
        frame: Its position on the slide in EMU; None: its own, which is wrong for a shape in a group.
        number: The slide's number, for slide-number fields.
    """
    left, top, width, height = (value / EMU_PER_POINT for value in frame or frame_of(shape))
    element = shape.element
    margins = insets(slide, element)
    wraps = body_property(slide, element, "wrap", "square") != "none"
    inner = width - margins[0] - margins[2]
    scale = font_scale(element)
    styled = [
        (paragraph_text(paragraph._p, number), text_style(slide, element, paragraph._p, level_of(paragraph._p)))
        for paragraph in shape.text_frame.paragraphs
    ]
    lines = tuple(lay_out(styled, inner if wraps else _NO_WRAP, scale))
    room = height - margins[1] - margins[3]
    share = {"ctr": 0.5, "b": 1.0}.get(body_property(slide, element, "anchor", "t"), 0.0)
    shift = 0.0
    if not wraps and lines:  # a box that does not wrap grows from the side that its text is aligned to
        shift = {"l": 0.0, "ctr": (inner - _NO_WRAP) / 2, "r": inner - _NO_WRAP}[lines[0].style.align]
    return PlacedText(
        lines, left + margins[0] + shift, top + margins[1] + share * (room - height_of(lines)), room, scale
    )


def paragraph_text(paragraph: Any, number: int = 0) -> str:
    """Return the text of an a:p element; a line break is a vertical tab, a slide-number field is `number`."""
    return "".join(text for _, text in _pieces(paragraph, number))


def runs_of(slide: Slide, shape: Any) -> Iterator[tuple[str, TextStyle]]:
    """Yield the text and style of every run of a shape that is not blank."""
    for paragraph in shape.text_frame.paragraphs:
        for run, text in _pieces(paragraph._p, 0):
            if text.strip():
                yield text, text_style(slide, shape.element, paragraph._p, level_of(paragraph._p), run)


def font_scale(element: Any) -> float:
    """Return the font scale of a shape (normAutofit)."""
    fit = element.find(f".//{qn('a:bodyPr')}/{qn('a:normAutofit')}")
    return 1.0 if fit is None else int(str(fit.get("fontScale", "100000")).rstrip("%")) / 100000


def _pieces(paragraph: Any, number: int) -> Iterator[tuple[Any, str]]:
    for child in paragraph:
        if child.tag == qn("a:br"):
            yield child, "\v"
        elif child.tag == qn("a:fld") and str(child.get("type")) == "slidenum":
            yield child, str(number)
        elif child.tag in (qn("a:r"), qn("a:fld")):
            yield child, _shown(child, str(child.findtext(qn("a:t")) or ""))


def _shown(run: Any, text: str) -> str:
    """Return the text of a run, with raised digits if it is raised."""
    properties = run.find(qn("a:rPr"))
    is_raised = properties is not None and int(properties.get("baseline", "0").rstrip("%")) > 0
    return text.translate(RAISED_DIGITS) if is_raised else text
