r"""Show TeX formulas as readable Unicode, such as S = P(1+r)ⁿ for S = P(1+r)^n."""

from __future__ import annotations

import re

import unicodeit

_SUPERSCRIPTS = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzTβ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᵝ"
)
_SUBSCRIPTS = str.maketrans("0123456789+-−=()aehijklmnoprstuvxβ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦ")
_WORDS = re.compile(
    r"\\(arccos|arcsin|arctan|cos|cosh|cot|deg|det|dim|exp|gcd|ker|lim|ln|log|max|min|Pr|sin|sinh|sup|inf|tan|tanh)"
    r"(?![A-Za-z])"
)
_PLAIN = re.compile(r"\\(?:text|mathrm|mathit|mathbf|operatorname|textbf|textit)\s*(?=\{)")
_SIZES = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|limits|nolimits)(?![A-Za-z])")
_SPACES = re.compile(r"\\[,;:! ]|\\q?quad(?![A-Za-z])|~")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_SIMPLE = re.compile(r"[\w.]+")

_KEPT = {"^": "\ue000", "_": "\ue001"}
"""Private characters for marks that stay, so that they are not read twice."""


def formula_text(tex: str) -> str:
    """Return a TeX formula as Unicode; what has no such form stays TeX (see is_readable)."""
    text = _SPACES.sub(" ", _SIZES.sub("", _WORDS.sub(r"\1 ", tex)))
    text = unicodeit.replace(_scripts(_plain(_roots(_fractions(text)))))
    for mark, stand_in in _KEPT.items():
        text = text.replace(stand_in, mark)
    return " ".join(text.replace("{", "").replace("}", "").split()) if is_readable(text) else tex.strip()


def is_readable(text: str) -> bool:
    """Return whether no TeX command is left in a formula."""
    return _COMMAND.search(text) is None


def _fractions(text: str) -> str:
    while (at := re.search(r"\\[dt]?frac\s*(?=\{)", text)) is not None:
        above, middle = _group(text, at.end())
        if not text[middle:].lstrip().startswith("{"):
            break
        below, end = _group(text, middle + len(text[middle:]) - len(text[middle:].lstrip()))
        text = f"{text[: at.start()]}{_inside(above)}/{_inside(below)}{text[end:]}"
    return text


def _roots(text: str) -> str:
    while (at := re.search(r"\\sqrt\s*(?=\{)", text)) is not None:
        inner, end = _group(text, at.end())
        text = f"{text[: at.start()]}√{_inside(inner)}{text[end:]}"
    return text


def _plain(text: str) -> str:
    while (at := _PLAIN.search(text)) is not None:
        inner, end = _group(text, at.end())
        text = f"{text[: at.start()]}{inner}{text[end:]}"
    return text


def _scripts(text: str) -> str:
    """Replace ^ and _ by raised and lowered characters where Unicode has them all, else by ^(...) and _(...)."""
    start = 0
    while (at := re.search(r"[\^_]", text[start:])) is not None:
        place = start + at.start()
        if text[place + 1 : place + 2] == "{":
            inner, end = _group(text, place + 1)
        else:
            command = _COMMAND.match(text, place + 1)
            inner, end = (command[0], command.end()) if command else (text[place + 1 : place + 2], place + 2)
        inner = unicodeit.replace(_scripts(inner)).replace(" ", "")
        table = _SUPERSCRIPTS if text[place] == "^" else _SUBSCRIPTS
        has_all = bool(inner) and all(ord(char) in table for char in inner)
        mark = inner.translate(table) if has_all else f"{_KEPT[text[place]]}{_inside(inner)}"
        text = text[:place] + mark + text[end:]
        start = place + len(mark)
    return text


def _inside(text: str) -> str:
    """Return a part of a formula, in parentheses unless it is one character, number or word."""
    text = text.strip()
    return text if len(text) == 1 or _SIMPLE.fullmatch(text) else f"({text})"


def _group(text: str, start: int) -> tuple[str, int]:
    """Return what the braces that open at this place hold, and where they end."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    return text[start + 1 :], len(text)
