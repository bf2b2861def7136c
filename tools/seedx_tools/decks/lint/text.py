"""Text that does not fit, is too small or too much, or was left over from a template."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from pptx.oxml.ns import qn

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Item, Page
from seedx_tools.decks.shapes import Run
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME

MAX_WORDS = 200
"""On one slide, tables apart: at a speaker's pace, that takes longer to read than to hear."""

MAX_TYPEFACES = 3
"""In one deck: headings, text, and one more, such as that of code."""

_FOOTNOTE_POINTS = 9.0
"""The least size of footnotes, which are read on paper."""

_SHOWN_CHARS = 40
_SYMBOLS = re.compile(r"wingdings|webdings|symbol|emoji|cambria math|font ?awesome|icons?\b", re.IGNORECASE)
_CUTS = re.compile(
    r" (?:thin|extralight|light|regular|book|text|display|medium|demi|semi ?bold|bold|extrabold|black|heavy|narrow|"
    r"condensed|mono|pro)\b",
    re.IGNORECASE,
)
"""What follows the name of a family in the names of its cuts: "Segoe UI Light"."""
_MONOSPACED = re.compile(r"mono|courier|consolas|menlo|code", re.IGNORECASE)
_FIELDS = (
    r"name|first name|last name|your [\w ]+|company(?: name)?|client(?: name)?|customer(?: name)?|date|title|subtitle|"
    r"text|project(?: name)?|team(?: name)?|city|role|presenter|speaker|logo|e-?mail|phone|number|topic|department|"
    r"month|year|country|location|position|address|website|insert [\w ]+|enter [\w ]+|add [\w ]+"
)
_PARTS = r"text|title|headline|subheadline|heading|tagline|caption|content|logo|chart|image|picture|photo"
_LEFTOVER = re.compile(
    r"\blorem ipsum\b|\bdolor sit amet\b|\bconsectetur adipiscing\b"
    r"|\bclick (?:here )?to (?:add|edit|insert)\b|\bklicken sie\b|\bcliquez pour\b|\bhaga clic\b|\bfare clic\b"
    r"|\byour (?:text|title|subtitle|logo|name|company name|content|message) here\b"
    r"|\b(?:insert|add|type|enter|write) (?:your |a |the )?(?:sub)?(?:text|title|name|logo|picture|content) here\b"
    r"|^(?:text|title|subtitle|content|name) (?:goes )?here$|^(?:sample|placeholder|dummy) text\b"
    rf"|^(?:(?:add|enter|insert|type) )?your (?:sub)?(?:{_PARTS})(?: here)?$|^(?:{_PARTS}) (?:goes )?here$"
    r"|^(?:presentation|slide|section) (?:sub)?title$|^subtitle$"
    r"|^(?:bitte )?(?:text|titel|untertitel|\u00fcberschrift) (?:hier )?(?:eingeben|einf\u00fcgen|hinzuf\u00fcgen)$"
    rf"|(?:^|(?<=[\s(]))<(?:{_FIELDS})>|\[(?:{_FIELDS})\]",
    re.IGNORECASE | re.MULTILINE,
)
_X = re.compile(
    r"(?<!Louis )(?<!Pius )(?<!Article )(?<!Chapter )(?<!Title )(?<!Part )(?<!Book )(?<!Volume )(?<!Act )"
    r"(?<!Section )(?<!Bowl )(?<!Size )(?<![\w-])X{2,4}(?:[.,]X+)*(?![\w-]| (?:century|cent\.))|\b20XX\b"
)
"""A number that was never filled in: XX %, EUR XX.X, 20XX; not a Roman numeral after a name."""


def text_faults(page: Page) -> Iterator[Fault]:
    """Yield text that overflows its box or table, is under MIN_POINTS, too much, or left over from a template."""
    for item in page.items:
        yield from _overflow(item)
        yield from _small_text(item)
        yield from _leftovers(item)
    words = sum(_num_words(item.words) for item in page.items if not item.is_footer)
    if words > MAX_WORDS:
        yield Fault(
            "wall_of_text",
            "",
            f"the slide has {words} words; keep the points, at most {MAX_WORDS} words, and move the rest to the notes",
        )


def typeface_faults(pages: Sequence[Page]) -> Iterator[tuple[int, Fault]]:
    """Yield the number of the slide on which one typeface too many is first used, and the fault."""
    seen: dict[str, str] = {}
    for page in pages:
        for item in page.items:
            for run in item.runs:
                family = _CUTS.sub("", run.family).strip()
                if not family or _SYMBOLS.search(run.family) or family.casefold() in seen:
                    continue
                seen[family.casefold()] = family
                if len(seen) == MAX_TYPEFACES + 1:
                    named = ", ".join(seen.values())
                    message = f"the deck uses more than {MAX_TYPEFACES} typefaces ({named}); use those of its theme"
                    yield page.number, Fault("many_typefaces", item.name, message)


def _overflow(item: Item) -> Iterator[Fault]:
    placed, text = item.placed, item.text
    room = placed.area[3] - placed.area[1]
    if placed.needs_height > room + 0.5:
        yield Fault(
            "overflow",
            item.name,
            f"the table's text needs {placed.needs_height:.0f} pt of height but its frame has {room:.0f}; "
            "shorten it or split the table",
        )
    if text is not None and text.height > text.room + 0.5:
        yield Fault(
            "overflow",
            item.name,
            f"the text needs {text.height:.0f} pt of height but the box has {text.room:.0f}; shorten or split it",
        )


def _small_text(item: Item) -> Iterator[Fault]:
    small: dict[float, Run] = {}
    least = _FOOTNOTE_POINTS if item.name == FOOTNOTES_NAME else MIN_POINTS
    for run in item.runs:
        if run.size < least - 0.05:
            small.setdefault(run.size, run)
    for size, run in small.items():
        yield Fault(
            "small_text",
            item.name,
            f"{quoted(run.text)} is {size:.1f} pt; use at least {least:.0f} pt",
            f"{item.role} {size}" if from_template(item, "sz") else "",
        )


def _leftovers(item: Item) -> Iterator[Fault]:
    for run in item.runs:
        found = None if _MONOSPACED.search(run.family) else _LEFTOVER.search(run.text) or _X.search(run.text)
        if found is not None:
            yield Fault(
                "leftover_text", item.name, f"{quoted(found[0])} is left over from a template; fill it in or remove it"
            )
            return


def from_template(item: Item, attribute: Literal["sz", "solidFill"]) -> bool:
    """Return whether a placeholder's text has its size ("sz") or color ("solidFill") from the layout or master."""
    body = item.placed.shape.element.find(qn("p:txBody"))
    if not item.role or body is None:
        return False
    own = {"sz": ("sz", "fontScale"), "solidFill": ()}[attribute]
    return not any(
        element.tag == qn(f"a:{attribute}") or any(element.get(name) for name in own) for element in body.iter()
    )


def quoted(text: str) -> str:
    """Return the start of a text in quotes, for a message."""
    text = " ".join(text.split())
    return f"'{text[:_SHOWN_CHARS]}...'" if len(text) > _SHOWN_CHARS else f"'{text}'"


def _num_words(text: str) -> int:
    """Return the number of words; in a script without spaces, two letters count as one."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text.split()) + wide // 2
