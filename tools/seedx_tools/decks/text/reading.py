"""Read native runs back into inline Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.text.inline import SAFE_LINK, Span, to_inline

_MONOSPACED = ("courier", "consolas", "menlo", "monaco", "mono", "source code")
"""Words in the names of monospaced faces."""


def inline_text(paragraph: Any) -> str:
    """Return a paragraph in inline Markdown: marks for what its runs set themselves, raw text escaped."""
    return to_inline(_spans(paragraph))


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
