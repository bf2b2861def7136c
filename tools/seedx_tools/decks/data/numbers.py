"""Numbers as people write them in tables: gaps, units, separators of either kind, negatives in parentheses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

DecimalMark: TypeAlias = Literal[".", ","]

_GAPS = frozenset(
    ("", "n/a", "na", "n.a.", "#n/a", "-", "--", "\u2013", "\u2014", "\u2212", "null", "none", "nan", "missing")
    + ("..", "...", "\u2026", "?", "tbd", "tbc", "k.a.", "n.d.")
)
SYMBOLS = "$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd\u20ba"
"""Signs of currencies, which stand before a number."""
_CODES = "USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR"
_CURRENCY = rf"(?:[A-Z]{{1,2}}\$|[{SYMBOLS}]|{_CODES})"
_THOUSANDS = " '\u2019\u00a0\u2009\u202f"
_CELL = re.compile(
    rf"(?P<open>\()?\s*(?P<before>{_CURRENCY})?\s*(?P<sign>[-+\u2212\u2013])?\s*(?P<money>{_CURRENCY})?\s*"
    rf"(?P<digits>\d[\d.,{_THOUSANDS}]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?\s*"
    r"(?P<after>[%\u2030]|[^\W\d_][^\d()%]{0,14}|[^\w\s()*]{1,2})?\s*(?P<close>\))?[*\u2020\u2021]*"
)
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_MEASURES = (
    "k|m|mn|mio|bn|mrd|thousands?|millions?|billions?|000s|t|kg|g|lbs?|km|mi|cm|mm|ft|m2|m\u00b2|sqm|sqft|ha|l|h|hrs?"
    "|hours?|mins?|minutes?|s|secs?|seconds?|ms|days?|weeks?|months?|years?|yrs?|[kmgt]?wh?|[kmgt]i?b|mbps|gbps|hz|\u00b0c"
    "|\u00b0f|pp|bps?|basis points|ppm|ppb|fte|people|persons|units|pcs|pieces|points|pts|x|co2e?|tco2e?"
)
_UNIT_NAME = (
    rf"(?:%|\u2030|percent|(?:{_MEASURES})\.? ?{_CURRENCY}|(?:[kmt]?{_CURRENCY})?[ /]?(?:{_MEASURES})?\.?)"
    r"(?:/\w+| per \w+)?"
)
_HEADER_UNIT = re.compile(rf"[(\[](?:in )?({_UNIT_NAME})[)\]]\s*$|,?\s+in\s+({_UNIT_NAME})\s*$|(%)\s*$|^\s*(%)", re.I)
_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "mio.": 1e6, "bn": 1e9, "b": 1e9, "mrd": 1e9, "mrd.": 1e9}
_MAX_DECIMALS = 2
_LEAST_SHORTENED = 1e7
"""Numbers from here on are shown in millions or billions."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a column."""

    values: tuple[float | None, ...]
    """None for a gap."""
    unit: str = ""
    """What all of them are measured in: "%", "$", "kg"; empty if they don't say."""


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with or without a unit such as % or a currency sign."""
    found = _CELL.fullmatch(text.strip())
    return found is not None and _value(found, None) is not None and (not found["after"] or _is_common(found["after"]))


def is_gap(text: str) -> bool:
    """Return whether a cell says that there is no number: empty, a dash, "n/a"."""
    return text.strip().lower() in _GAPS


def read_numbers(cells: Sequence[str], mark: DecimalMark | None = None) -> Numbers | None:
    """Return the numbers of a column; None if a cell is neither a number nor a gap, or all are gaps.

    Args:
        cells: The texts of the cells below the heading.
        mark: The decimal mark of the table, for numbers that leave it open such as 1,234; see decimal_mark.
    """
    found = [None if is_gap(cell) else _CELL.fullmatch(cell.strip()) for cell in cells]
    written = [one for one in found if one is not None]
    if not written or len(written) < sum(not is_gap(cell) for cell in cells):
        return None
    mark = decimal_mark(cells) or mark
    units = {_unit(one) for one in written}
    scales: set[str] = set()
    if len(units) > 1:
        scales = {_scale(unit) for unit in units}
        units = {unit[: len(unit) - len(scale)].strip() for unit, scale in ((u, _scale(u)) for u in units)}
    if len(units - {""}) > 1:
        return None
    values: list[float | None] = []
    for one in found:
        value = None if one is None else _value(one, mark)
        if one is not None and value is None:
            return None
        if one is not None and value is not None and scales:
            value *= _SCALES.get(_scale(_unit(one)).lower(), 1.0)
        values.append(value)
    return Numbers(tuple(values), next(iter(units - {""}), ""))


def units_of(cells: Iterable[str]) -> set[str]:
    """Return the units in which cells are measured; empty for a bare number, none for words, gaps and a bare 0."""
    found = (_CELL.fullmatch(cell.strip()) for cell in cells if not is_gap(cell))
    units = ((one, _unit(one)) for one in found if one is not None and _value(one, None) is not None)
    return {unit.removesuffix(_scale(unit)).strip() for one, unit in units if unit or _value(one, None)}


def decimal_mark(cells: Iterable[str]) -> DecimalMark | None:
    """Return the decimal mark that the numbers among these cells use; None if none of them tells."""
    votes = {".": 0, ",": 0}
    for cell in cells:
        found = _CELL.fullmatch(cell.strip())
        digits = "" if found is None else found["digits"].rstrip(_THOUSANDS)
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0:
            continue
        mark, other = digits[last], "," if digits[last] == "." else "."
        if digits.count(mark) > 1:
            votes[other] += 1
        elif mark == "." and found is not None and found["after"] == "\u20ac" and _GROUPED.fullmatch(digits):
            votes[other] += 1  # a euro sign after the number goes with a decimal comma
        elif other in digits or not _GROUPED.fullmatch(digits) or digits.startswith("0"):
            votes[mark] += 1
    if votes["."] == votes[","]:
        return None
    return "," if votes[","] > votes["."] else "."


def unit_in_header(header: str) -> str:
    """Return the unit that a heading names, as in "Revenue (EUR m)" or "Growth %"; empty if it names none."""
    found = _HEADER_UNIT.search(header)
    unit = "" if found is None else next(filter(None, found.groups()), "").strip()
    return "%" if unit.lower() == "percent" else unit


def number_format(values: Iterable[float | None], unit: str = "") -> str:
    """Return the format in which a chart shows numbers, with a percent or currency sign if that is their unit."""
    known = [abs(value) for value in values if value is not None]
    most = max(known, default=0.0)
    if most and (most < 0.01 or most >= 1e15):
        return _with_unit("General", unit)
    decimals = 0 if most >= 10_000 else max((_decimals(value) for value in known), default=0)
    return _with_unit(f"#,##0{'.' + '0' * decimals if decimals else ''}", unit)


def axis_format(values: Iterable[float | None], unit: str = "") -> str:
    """Return the format of the numbers along an axis, which lie between those of the chart."""
    known = [value for value in values if value is not None]
    most = max(map(abs, known), default=0.0)
    return _shortened(known, unit, axis=True) or _with_unit("#,##0" if 1000 <= most < 1e15 else "General", unit)


def label_format(values: Iterable[float | None], unit: str = "") -> str:
    """Return the format of the numbers at bars and lines: as number_format, but large ones in millions or billions."""
    known = [value for value in values if value is not None]
    return _shortened(known, unit, axis=False) or number_format(known, unit)


def _shortened(values: Sequence[float], unit: str, *, axis: bool) -> str:
    """Return the format that shows large numbers in millions ("m") or billions ("bn"); empty if that hides any."""
    sizes = sorted(abs(value) for value in values if value)
    if not sizes or sizes[-1] < _LEAST_SHORTENED or sizes[-1] >= 1e15 or _scale(unit):
        return ""
    scale, word, commas = (1e9, "bn", ",,,") if sizes[-1] >= 1e9 else (1e6, "m", ",,")
    decimals = next((n for n in range(3) if all(_is_kept(size / scale, n) for size in sizes)), None)
    if axis:
        decimals = 0 if sizes[-1] / scale >= 10 else 1
    if decimals is None:
        return ""
    return _with_unit(f"#,##0{'.' + '0' * decimals if decimals else ''}{commas}", unit, word)


def _is_kept(value: float, decimals: int) -> bool:
    """Return whether a number keeps three digits, or all but a hundredth, with so many decimals."""
    return abs(value - round(value, decimals)) <= 0.01 * value


def shown(value: float, unit: str = "") -> str:
    """Return a number as a text shows it: 1,234.5, 12%, $3.2, 6.2 EUR m."""
    decimals = 0 if abs(value) >= 10_000 else _decimals(value)
    digits = f"{value:,.{decimals}f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"
    if unit[:1] and unit[0] in SYMBOLS:
        sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        return f"{sign}{unit[0]}{digits}{unit[1:]}"
    return f"{digits}{unit}" if unit in ("", "%", "\u2030") else f"{digits} {unit}"


def is_in_format(unit: str) -> bool:
    """Return whether number_format shows a unit beside the number."""
    return unit in ("", "%", "\u2030") or unit[0] in SYMBOLS


def _with_unit(digits: str, unit: str, word: str = "") -> str:
    """Return a format with a sign of currency before the number, and a word of magnitude and the unit after it."""
    symbol = unit[0] if unit[:1] and unit[0] in SYMBOLS else ""
    after = unit.removeprefix(symbol) if symbol or unit in ("%", "\u2030") else ""
    return f"{_quoted(symbol)}{digits}{_quoted(word + after)}"


def _quoted(text: str) -> str:
    return f'"{text}"' if text else ""


def _decimals(value: float) -> int:
    text = f"{abs(value):.{_MAX_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])


def _unit(found: re.Match[str]) -> str:
    """Return the unit of a cell: the currency before its number, and what follows the number."""
    before, after = found["before"] or found["money"] or "", (found["after"] or "").strip()
    if before and before[-1] not in SYMBOLS and after:
        before += " "
    return f"{before}{after}"


def _scale(unit: str) -> str:
    """Return the word of magnitude at the end of a unit, such as the M of $M; empty if it has none."""
    word = re.split(rf"[\s{SYMBOLS}]", unit)[-1]
    return word if word.lower() in _SCALES else ""


def _is_common(unit: str) -> bool:
    """Return whether a unit makes a cell a number wherever it stands, as % and currencies do."""
    return unit in ("%", "\u2030") or re.fullmatch(_CURRENCY, unit.strip()) is not None


def _bare(found: re.Match[str]) -> str | None:
    """Return the digits and separators of a cell; None if they are not grouped as numbers are."""
    if bool(found["open"]) != bool(found["close"]):
        return None
    digits = found["digits"].rstrip(_THOUSANDS)
    parts = re.split(f"[{_THOUSANDS}]", digits)
    if any(len(re.split("[.,]", part)[0]) != 3 for part in parts[1:]) or len(parts[0]) > 3 and len(parts) > 1:
        return None
    return "".join(parts)


def _value(found: re.Match[str], mark: DecimalMark | None) -> float | None:
    digits = _bare(found)
    if digits is None:
        return None
    own = decimal_mark([digits]) or mark or "."
    grouping = "," if own == "." else "."
    whole, _, decimals = digits.rpartition(own) if own in digits else (digits, "", "")
    if own in whole or grouping in decimals:
        return None
    if grouping in whole and not _GROUPED.fullmatch(whole):
        return None
    try:
        value = float(f"{whole.replace(grouping, '') or '0'}.{decimals or '0'}{found['power'] or ''}")
    except ValueError:
        return None
    if math.isinf(value):
        return None
    is_negative = bool(found["open"]) or (found["sign"] or "+") != "+"
    return -value if is_negative else value
