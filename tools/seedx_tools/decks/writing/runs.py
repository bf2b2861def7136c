"""Write inline Markdown as native runs: bold, italic, struck and monospaced text, and links on their words."""

from __future__ import annotations

from typing import Any

from seedx_tools.decks.text.inline import SAFE_LINK, Span, parse_inline

MONOSPACED = "Courier New"
"""The face of code: on Windows, macOS, and in LibreOffice by a metric-compatible font."""


def write_runs(paragraph: Any, text: str) -> None:
    """Write a text in inline Markdown into an empty paragraph; a link whose address is unsafe is written as text."""
    for span in parse_inline(text):
        for number, line in enumerate(span.text.split("\v")):
            if number:
                paragraph.add_line_break()
            if line:
                _write_run(paragraph, line, span)


def _write_run(paragraph: Any, text: str, span: Span) -> None:
    run = paragraph.add_run()
    run.text = text
    if span.bold:
        run.font.bold = True
    if span.italic:
        run.font.italic = True
    if span.strike:
        run._r.get_or_add_rPr().set("strike", "sngStrike")
    if span.code:
        run.font.name = MONOSPACED
    if SAFE_LINK.match(span.link):
        run.hyperlink.address = span.link
