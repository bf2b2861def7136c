"""Write inline Markdown as native runs: bold, italic, struck, monospaced and raised text, and links on their words."""

from __future__ import annotations

from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.ooxml.styles import MONOSPACED
from seedx_tools.decks.text.inline import SAFE_LINK, Span, parse_inline
from seedx_tools.decks.text.reading import MARK_SHIFT, span_of


def write_runs(paragraph: Any, text: str) -> None:
    """Write a text in inline Markdown into an empty paragraph; a link whose address is unsafe is written as text."""
    follows_mark = False
    for span in parse_inline(text):
        shown = run_text(span, follows_mark)
        follows_mark = span.note > 0
        for number, line in enumerate(shown.split("\v")):
            if number:
                paragraph.add_line_break()
            if line:
                _write_run(paragraph, line, span)


def run_text(span: Span, follows_mark: bool) -> str:
    """Return the text of the run that shows a span: the mark of a footnote is a number, with a comma after another."""
    return span.text if not span.note else f"{',' if follows_mark else ''}{span.note}"


def _write_run(paragraph: Any, text: str, span: Span) -> None:
    run = paragraph.add_run()
    run.text = text
    set_look(run, span)


def set_look(run: Any, look: Span) -> None:
    """Make a run look like a span; what it sets beside that, such as its color, stays."""
    had = span_of(run)
    if look.note:
        run._r.get_or_add_rPr().set("baseline", str(MARK_SHIFT))
    elif had.note:
        run._r.get_or_add_rPr().attrib.pop("baseline", None)
    if look.bold != had.bold:
        run.font.bold = True if look.bold else None
    if look.italic != had.italic:
        run.font.italic = True if look.italic else None
    if look.strike != had.strike:
        run._r.get_or_add_rPr().set("strike", "sngStrike" if look.strike else "noStrike")
    if look.code != had.code:
        run.font.name = MONOSPACED if look.code else None
    link = look.link if SAFE_LINK.match(look.link) else ""
    if link != had.link:
        properties = run._r.get_or_add_rPr()
        for old in properties.findall(qn("a:hlinkClick")):
            properties.remove(old)  # without its relationship, which other runs may use
        if link:
            run.hyperlink.address = link
