"""Dates as people write them in tables, read a column at a time so that 03/04 is read as its neighbors are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

Precision: TypeAlias = Literal["days", "months"]

_DAYS = (
    ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y")
    + ("%d/%m/%y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %B %Y")
    + ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
)
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%Y %b", "%Y %B", "%b-%y", "%b-%Y", "%b %y")
_PERIOD = re.compile(
    r"(fy ?)?\d{4}([-/]\d{2})?[ef]?|(\d{4}[- /]?)?(q|h|w|kw|wk|week ?)\d{1,2}([ /-]*'?(\d{2}|\d{4}))?"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?([ /-]*'?\d{2,4})?"
    r"|([01]?\d|2[0-4])[:.h][0-5]\d( ?[ap]m)?"
    r"|(mon|tue|wed|thu|fri|sat|sun)[a-z]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dates:
    """The dates of a column."""

    days: tuple[date, ...]
    """The first of the month where only months are written."""
    precision: Precision

    @property
    def are_rising(self) -> bool:
        """True if each date is later than the one before."""
        return all(first < second for first, second in zip(self.days, self.days[1:], strict=False))

    @property
    def are_even(self) -> bool:
        """True if they follow each other day by day, or month by month."""
        if self.precision == "days":
            steps = {(second - first).days for first, second in zip(self.days, self.days[1:], strict=False)}
        else:
            counted = [day.year * 12 + day.month for day in self.days]
            steps = {second - first for first, second in zip(counted, counted[1:], strict=False)}
        return steps == {1}


def read_dates(cells: Sequence[str]) -> Dates | None:
    """Return the dates of a column; None if the cells are not all dates in one format.

    Of the formats that fit every cell, the first wins in which the dates rise: 13/04 settles what 03/04 leaves open.
    """
    texts = [cell.strip() for cell in cells]
    if not texts:
        return None
    first: Dates | None = None
    for precision, formats in (("days", _DAYS), ("months", _MONTHS)):
        for written in formats:
            try:
                days = tuple(datetime.strptime(text, written).date() for text in texts)
            except ValueError:
                continue
            found = Dates(days, "days" if precision == "days" else "months")
            if found.are_rising:
                return found
            first = first or found
    return first


def are_times(cells: Sequence[str]) -> bool:
    """Return whether these are points in time: dates, months, quarters or years."""
    return read_dates(cells) is not None or (bool(cells) and all(_PERIOD.fullmatch(cell.strip()) for cell in cells))
