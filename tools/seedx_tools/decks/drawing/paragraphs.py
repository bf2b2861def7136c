"""The paragraphs in a drawn shape: their XML, and the largest type at which they fit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar
from xml.sax.saxutils import escape, quoteattr

from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.slide import Slide

from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.ooxml.styles import MONOSPACED, TextStyle
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.inline import Span, parse_inline, plain_text
from seedx_tools.decks.text.layout import height_of, lay_out, width_of
from seedx_tools.decks.text.reading import MARK_SHIFT
from seedx_tools.decks.text.strings import clean, runs_right_to_left

SIZES = (24.0, 22.0, 20.0, 18.0, 16.0, 14.0, 13.0, MIN_POINTS)
"""The type sizes of drawings in points, the largest first."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a shape: a text in inline Markdown and its look. Lengths are in points."""

    text: str
    size: float
    color: Paint
    bold: bool = False
    align: Literal["l", "ctr", "r"] = "l"
    space_before: float = 0.0

    def style(self, family: str) -> TextStyle:
        """Return its style for measuring."""
        return TextStyle(
            size=self.size,
            family=family,
            bold=self.bold,
            color="000000",
            align=self.align,
            margin=0.0,
            indent=0.0,
            bullet="",
            bullet_color="000000",
            space_before=self.space_before,
            line_spacing=1.0,
            rtl=False,
        )


def height_needed(paragraphs: Sequence[Paragraph], width: float, family: str) -> float:
    """Return the height in points of paragraphs in a box of this inner width."""
    return height_of(lay_out([(plain_text(one.text), one.style(family)) for one in paragraphs], width))


def longest_word(paragraphs: Sequence[Paragraph], family: str) -> float:
    """Return the width in points of the widest word, which should not be broken."""
    words = [(word, one) for one in paragraphs for word in plain_text(one.text).split()]
    return max((width_of(word, one.size, one.style(family)) for word, one in words), default=0.0)


def line_width(paragraph: Paragraph, family: str) -> float:
    """Return the width in points of a paragraph on one line."""
    return width_of(plain_text(paragraph.text), paragraph.size, paragraph.style(family))


def fitting_size(
    items: Sequence[_Item],
    paragraphs: Callable[[_Item, float], Sequence[Paragraph]],
    room: tuple[float, float],
    family: str,
    sizes: Sequence[float] = SIZES,
) -> float | None:
    """Return the largest type size at which the paragraphs of every item fit a box; None if none does.

    Args:
        items: What is shown, each in a box of its own.
        paragraphs: Returns the paragraphs of an item at a size.
        room: The inner width and height of a box.
        family: The typeface.
        sizes: The sizes to try, the largest first; one that breaks a word counts only if all do.
    """

    def breaks(size: float) -> bool:
        return any(longest_word(paragraphs(item, size), family) > room[0] for item in items)

    for size in sorted(sizes, key=lambda size: (breaks(size), -size)):
        if all(height_needed(paragraphs(item, size), room[0], family) <= room[1] for item in items):
            return size
    return None


def shortened(paragraphs: Sequence[Paragraph], width: float, height: float, family: str) -> tuple[Paragraph, ...]:
    """Return paragraphs that fit a box, with words dropped from the end if necessary; at least one word is left."""
    kept = list(paragraphs)
    while kept and not _fits(kept, width, height, family):
        *before, last = kept
        words = plain_text(last.text).removesuffix(" ...").split(" ")
        shorter = [replace(last, text=f"{' '.join(words[:count])} ...") for count in range(1, len(words))]
        fitting = bisect_left(shorter, True, key=lambda one: not _fits([*before, one], width, height, family))
        if fitting:
            return (*before, shorter[fitting - 1])
        if not before:
            return (*shorter[:1],) or (last,)
        kept = before
    return tuple(kept)


def _fits(paragraphs: Sequence[Paragraph], width: float, height: float, family: str) -> bool:
    return height_needed(paragraphs, width, family) <= height + 0.5


def paragraph_xml(slide: Slide, paragraph: Paragraph, *, mirrored: bool) -> str:
    """Return the a:p element of a paragraph, without namespace declarations."""
    text = plain_text(paragraph.text)
    rtl = runs_right_to_left(text)
    align = {"l": "r", "r": "l"}.get(paragraph.align, "ctr") if rtl or mirrored else paragraph.align
    space = f"<a:spcBef><a:spcPts val='{round(paragraph.space_before * 100)}'/></a:spcBef>"
    runs = "".join(_run(slide, span, paragraph) for span in parse_inline(clean(paragraph.text)))
    return f"<a:p><a:pPr marL='0' indent='0' algn='{align}'{_flag('rtl', rtl)}>{space}<a:buNone/></a:pPr>{runs}</a:p>"


def _run(slide: Slide, span: Span, paragraph: Paragraph) -> str:
    click = ""
    if span.link:  # parse_inline keeps only safe ones
        relation = slide.part.relate_to(span.link, RELATION.HYPERLINK, is_external=True)
        click = f"<a:hlinkClick r:id={quoteattr(relation)}/>"
    face = f"<a:latin typeface='{MONOSPACED}'/>" if span.code else "<a:latin typeface='+mn-lt'/>"
    looks = f"{_flag('b', paragraph.bold or span.bold)}{_flag('i', span.italic)}"
    looks += " strike='sngStrike'" if span.strike else ""
    size = round(paragraph.size * 100)
    looks += f" baseline='{MARK_SHIFT}'" if span.note else ""
    properties = f"<a:rPr sz='{size}'{looks} dirty='0'>{paragraph.color.xml}{face}{click}</a:rPr>"
    return f"<a:r>{properties}<a:t>{escape(str(span.note) if span.note else span.text)}</a:t></a:r>"


def _flag(name: str, on: bool) -> str:
    return f" {name}='1'" if on else ""
