"""Excel's number formats: the text that a cell shows for its value, with the separators of American English."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

_SECTION = re.compile(r"(?:\"[^\"]*\"|\\.|\[[^\]]*\]|[^;])*;?")
_TOKEN = re.compile(r"\"([^\"]*)\"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[(h+|m+|s+)\]|\[[^\]]*\]|_(.)|\*(.)|(.)", re.S | re.I)
_DATE = re.compile(r"y+|m+|d+|h+|s+(?:\.0+)?|AM/PM|A/P", re.I)
_DIGITS = re.compile(r"[0#?](?:[0#?,.]| (?=[0#?]))*(?:E[+-]0+)?|\.[0#?]+")
_GENERAL = "General"


def shown_text(value: object, number_format: str) -> str:
    """Return what a cell shows.

    Args:
        value: Its value; None is an empty cell.
        number_format: Its format, such as '0.0%' or '#,##0.00 [$EUR]'.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, date | time | timedelta):
        return _date(value, number_format)
    if isinstance(value, int | float):
        return _number(Decimal(repr(value)), number_format)
    return str(value)


def _number(value: Decimal, number_format: str) -> str:
    sections = [section.removesuffix(";") for section in _SECTION.findall(number_format or _GENERAL) if section]
    number = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    section = sections[number].strip()
    if number == 1:
        value = -value
    if not section or section.lower() == "general" or "@" in section:
        return _general(value)
    literal, pattern = _literals(section)
    found = _DIGITS.search(pattern)
    if found is None:
        return _restored(pattern, literal).strip()
    if "/" in pattern:  # a fraction
        return _general(value)
    if "%" in pattern:
        value *= 100 ** pattern.count("%")
    sign = "-" if value < 0 else ""
    digits = _digits(abs(value), found[0])
    if set(digits) <= set("0.,"):
        sign = ""
    return _restored(f"{sign}{pattern[: found.start()]}{digits}{pattern[found.end() :]}", literal).strip()


def _general(value: Decimal) -> str:
    rounded = Decimal(f"{value:.11g}")
    return f"{rounded.normalize():f}" if abs(value) < Decimal(10) ** 15 else f"{value:.5E}"


def _literals(section: str) -> tuple[list[str], str]:
    """Return the literal texts of a section, and the section with a private character in the place of each."""
    literal: list[str] = []
    pattern = ""
    for quoted, escaped, currency, elapsed, space, _fill, other in _TOKEN.findall(section):
        if quoted or escaped or currency:
            pattern += chr(0xE000 + len(literal))
            literal.append(quoted or escaped or currency)
        else:
            pattern += " " if space else elapsed or other
    return literal, pattern


def _restored(text: str, literal: list[str]) -> str:
    return re.sub("[\ue000-\uf8ff]", lambda found: literal[ord(found[0]) - 0xE000], text)


def _digits(value: Decimal, pattern: str) -> str:
    """Return a number with the decimals, grouping and scale of a pattern of 0, # and commas."""
    mantissa, _, exponent = pattern.upper().partition("E")
    whole, _, decimals = mantissa.rstrip(" ").partition(".")
    scale = len(whole) - len(whole.rstrip(",")) + len(decimals) - len(decimals.rstrip(","))
    value /= Decimal(1000) ** scale
    places = sum(decimals.count(mark) for mark in "0#?")
    if exponent:
        return f"{value:.{places}E}"
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in whole.rstrip(",") else f"{rounded:f}"
    head, _, tail = text.partition(".")
    least = decimals.count("0")
    while len(tail) > least and tail.endswith("0"):
        tail = tail[:-1]
    if head == "0" and "0" not in whole:
        head = ""
    head = head.rjust(whole.count("0"), "0") if "," not in whole else head
    return f"{head}.{tail}" if tail else head


def _date(value: date | time | timedelta, number_format: str) -> str:
    """Return a date or time in its format; in an unknown one, as 2024-05-01 or 14:30."""
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02}"
    literal, pattern = _literals(_SECTION.findall(number_format)[0])
    if not _DATE.search(pattern) or number_format == _GENERAL:
        shown = value.date() if isinstance(value, datetime) and value.time() == time() else value
        if isinstance(shown, time):
            return f"{shown:%H:%M}"
        return shown.isoformat(" ", "minutes") if isinstance(shown, datetime) else shown.isoformat()
    half = re.search(r"AM/PM|A/P", pattern, re.I) is not None
    before = ""

    def part(found: re.Match[str]) -> str:
        nonlocal before
        code = found[0].lower()
        after = pattern[found.end() :].lstrip(" :.\ue000\ue001").lower()
        is_minute = code[0] == "m" and (before[:1] == "h" or after.startswith("s"))
        before = code
        return _part(value, code, is_minute=is_minute, half=half)

    return _restored(_DATE.sub(part, pattern), literal).strip()


def _part(value: date | time, code: str, *, is_minute: bool, half: bool) -> str:
    """Return a part of a date, such as "yyyy", or of a time."""
    if is_minute or code[0] in "hsa":
        moment = value.time() if isinstance(value, datetime) else value if isinstance(value, time) else time()
        hour = moment.hour % 12 or 12 if half else moment.hour
        number = moment.minute if is_minute else hour if code[0] == "h" else moment.second
        if code[0] == "a":
            return ("A" if moment.hour < 12 else "P") + ("M" if len(code) > 3 else "")
        return f"{number:02}" if len(code) > 1 else str(number)
    if not isinstance(value, date):
        return ""
    if code[0] == "y":
        return f"{value:%Y}" if len(code) > 2 else f"{value:%y}"
    names = {"mmm": "%b", "mmmm": "%B", "mmmmm": "%b", "ddd": "%a", "dddd": "%A"}
    if code in names:
        return f"{value:{names[code]}}"[: 1 if code == "mmmmm" else None]
    number = value.month if code[0] == "m" else value.day
    return f"{number:02}" if len(code) > 1 else str(number)
