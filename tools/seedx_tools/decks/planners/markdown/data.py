"""How Markdown asks for charts and tables: the words of a fenced block or an image, and the alignment of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode

from seedx_tools.decks.data.kinds import KIND_NAMES, ChartKind, chart_kind, split_kind
from seedx_tools.decks.outline import ColumnAlignment

_CHART = re.compile(r"^chart\b\s*", re.IGNORECASE)
_ALIGN = re.compile(r"text-align:(left|center|right)")
_ALIGNMENTS: dict[str, ColumnAlignment] = {"left": "left", "center": "center", "right": "right"}


@dataclass(frozen=True, slots=True)
class WantedChart:
    """The chart that "chart stacked bar: Costs" asks for."""

    kind: ChartKind | None
    """None if it names none, or one that does not exist."""
    title: str
    unknown: str = ""
    """The kind it names that does not exist."""

    @property
    def refusal(self) -> str:
        """Return why its numbers are shown as a table; empty if they are not."""
        why = f"there is no '{self.unknown}' chart, so it became a table; the kinds are {KIND_NAMES}"
        return why if self.unknown else ""


def wanted_chart(info: str, *, needs_word: bool = True) -> WantedChart | None:
    """Return the chart that the words of a block or image ask for; None if they ask for none.

    Args:
        info: The words, such as "chart stacked bar: Costs".
        needs_word: Whether the words must say that they mean a chart, as those of a block must.
    """
    found = _CHART.match(info)
    before, colon, title = info.partition(":")
    if found is None:
        says_so = before.lower().rstrip().endswith((" chart", " graph")) and bool(colon)
        kind = chart_kind(before) if says_so or not needs_word else None
        if kind is not None:
            return WantedChart(kind, title.strip())
        return WantedChart(None, title.strip(), before.rsplit(maxsplit=1)[0]) if says_so else None
    rest = info[found.end() :].strip()
    kind, title = split_kind(rest)
    if kind is not None or not rest or rest.startswith(":"):
        return WantedChart(kind, title.removeprefix(":").strip())
    unknown, _, title = rest.partition(":")
    return WantedChart(None, title.strip(), unknown.strip())


def alignment(cell: SyntaxTreeNode) -> ColumnAlignment:
    """Return the alignment that a cell of a Markdown table asks for."""
    found = _ALIGN.search(str(cell.attrs.get("style", "")))
    return "" if found is None else _ALIGNMENTS[found[1]]
