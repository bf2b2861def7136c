"""Raised and lowered text of HTML, and formulas in MathML, in Unicode: x\u00b2, H\u2082O, (a + b)/c."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

_PLAIN = "0123456789+-=()n"
_RAISED = str.maketrans(
    _PLAIN + "i",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207c\u207d\u207e\u207f\u2071",
)
_LOWERED = str.maketrans(
    _PLAIN, "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u208a\u208b\u208c\u208d\u208e\u2099"
)


def raise_and_lower(main: Tag) -> None:
    """Put Unicode in place of raised and lowered text and of fractions; what has no such letters gets ^ or _."""
    for part in reversed(main.find_all(["msup", "msub", "mfrac", "msqrt"])):
        children = part.find_all(True, recursive=False)
        texts = ["".join(child.get_text().split()) for child in children]
        if part.name == "msqrt":
            part.replace_with(f"\u221a{_grouped(''.join(part.get_text().split()))}")
        elif len(texts) == 2 and part.name == "mfrac":
            part.replace_with(f"{_grouped(texts[0])}/{_grouped(texts[1])}")
        elif len(texts) == 2:
            part.replace_with(texts[0] + (_raised if part.name == "msup" else _lowered)(texts[1]))
    for part in main.find_all("math"):
        part.replace_with("".join(part.get_text().split()))
    for part in main.find_all(["sup", "sub"]):
        if part.find(True) is None:
            part.replace_with((_raised if part.name == "sup" else _lowered)(part.get_text().strip()))


def _raised(text: str) -> str:
    moved = text.translate(_RAISED)
    if text.isalpha() and len(text) > 1 or not set(text) <= {*_PLAIN, "i"}:
        return text if text.isalpha() and len(text) > 1 else f"^{_grouped(text)}"
    return moved


def _lowered(text: str) -> str:
    return text.translate(_LOWERED) if set(text) <= {*_PLAIN} else f"_{_grouped(text)}"


def _grouped(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"
