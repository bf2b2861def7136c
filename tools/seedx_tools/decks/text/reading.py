"""Read native runs back into inline Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME
from seedx_tools.decks.text.inline import SAFE_LINK, Span, note_mark, to_inline

MARK_SHIFT = 30000
"""How far the mark of a footnote is raised, in 1/1000 percent of its size, as PowerPoint raises text."""

_MONOSPACED = ("courier", "consolas", "menlo", "monaco", "mono", "source code")
"""Words in the names of monospaced faces."""


def inline_text(paragraph: Any, *, bold: bool = True, skip: int = 0) -> str:
    """Return a paragraph in inline Markdown: marks for what its runs set themselves, raw text escaped.

    Args:
        paragraph: The paragraph.
        bold: Whether bold type counts; False where it is a part of the design.
        skip: How many characters at its start are left out.
    """
    spans = []
    for span in _spans(paragraph):
        spans.append(replace(span, text=span.text[skip:], bold=span.bold and bold))
        skip = max(0, skip - len(span.text))
    return to_inline(spans)


def unmarked_text(paragraph: Any) -> str:
    """Return a paragraph like inline_text, without bold and italics if all of it is set so: that is its design."""
    spans = list(_spans(paragraph))
    words = [span for span in spans if span.text.strip()]
    bold, italic = (bool(words) and all(getattr(span, look) for span in words) for look in ("bold", "italic"))
    return to_inline(replace(span, bold=span.bold and not bold, italic=span.italic and not italic) for span in spans)


def _spans(paragraph: Any) -> Iterator[Span]:
    runs = {run._r: run for run in paragraph.runs}
    for element in paragraph._p:
        if element.tag == qn("a:br"):
            yield Span("\v")
        elif element.tag == qn("a:fld"):
            yield Span(str(element.findtext(qn("a:t")) or ""))
        elif element in runs:
            yield span_of(runs[element])


def span_of(run: Any) -> Span:
    """Return a run as a span: what it sets itself, not what it inherits."""
    if number := mark_of(run._r):
        return note_mark(number)
    properties = run._r.find(qn("a:rPr"))
    face = (run.font.name or "").lower() if properties is not None else ""
    link = None if properties is None else properties.find(qn("a:hlinkClick"))
    goes_somewhere = link is not None and bool(link.get(qn("r:id")))  # an action such as "next slide" has no address
    address = (run.hyperlink.address or "") if goes_somewhere else ""
    return Span(
        run.text,
        bold=properties is not None and run.font.bold is True,
        italic=properties is not None and run.font.italic is True,
        strike=properties is not None and properties.get("strike") in ("sngStrike", "dblStrike"),
        code=any(word in face for word in _MONOSPACED),
        link=address if SAFE_LINK.match(address) else "",
    )


def mark_of(run: Any) -> int:
    """Return the number of the footnote of its slide that a run (a:r) is the mark of; 0 for any other run."""
    properties = run.find(qn("a:rPr"))
    number = str(run.findtext(qn("a:t")) or "").removeprefix(",")
    if properties is None or int(properties.get("baseline", "0").rstrip("%")) <= 0 or not number.isdecimal():
        return 0
    sheet = next(run.iterancestors(qn("p:cSld")), None)
    named = () if sheet is None else sheet.iter(qn("p:cNvPr"))
    box = next((one.getparent().getparent() for one in named if one.get("name") == FOOTNOTES_NAME), None)
    return int(number) if box is not None and 0 < int(number) <= len(list(box.iter(qn("a:p")))) else 0
