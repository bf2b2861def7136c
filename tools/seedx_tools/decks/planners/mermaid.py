"""Read the flow charts of Mermaid (https://mermaid.js.org/syntax/flowchart.html): boxes, arrows, labels and direction.

Subgraphs lose their frames, and styles and links are left out; both are named in a warning.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from seedx_sdk.errors import InputError
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.decks.visuals import MAX_VISUAL_ITEMS, BoxShape, Direction, Visual, VisualItem, VisualLink

_HEAD = re.compile(r"(?:graph|flowchart)(?:-elk)?\s*(TD|TB|BT|LR|RL)?\s*(?:;|$)", re.IGNORECASE)
_IGNORED = re.compile(r"(classDef|class|style|linkStyle|click|direction|accTitle|accDescr)\b")
_NODE = re.compile(r"([\w.]+(?:-[\w.]+)*)")
_BRACKETS: tuple[tuple[str, str, BoxShape], ...] = (
    ("([", "])", "end"),
    ("[[", "]]", "box"),
    ("[(", ")]", "data"),
    ("(((", ")))", "end"),
    ("((", "))", "end"),
    ("{{", "}}", "round"),
    ("[/", "/]", "data"),
    ("[\\", "\\]", "data"),
    ("[/", "\\]", "data"),
    ("[\\", "/]", "data"),
    ("[", "]", "box"),
    ("(", ")", "round"),
    ("{", "}", "decision"),
    (">", "]", "box"),
)
"""The longer marks come first."""
_ARROW = re.compile(
    r"\s*(?P<back><|[ox](?=--|==|-\.))?"
    r"(?:(?:--|==|-\.)\s*(?P<inside>(?![ox]\s)[^-=.|>\s](?:(?!-->|==>|\.->|---|===|\.-).)*?)\s*(?P<end1>-{2,}>?|={2,}>?|\.-+>?)"
    r"|(?P<end2>-{2,}[>ox]?|={2,}[>ox]?|-\.+->?|~{3,}))"
    r"\s*(?:\|\s*(?P<label>[^|]*?)\s*\|)?\s*"
)
_BOX = re.compile(r"\w+[\[({]+[/\\\\]?(.*?)[/\\\\]?[\])}]+")
_LINE_ARROW = re.compile(r"\s*(?:<?[-=.]{2,}[>ox]*|-[>)x]+)\s*(?:\|[^|]*\|)?\s*")
_CLASS = re.compile(r":::\w+")
_BREAK = re.compile(r"<br\s*/?>|\\n", re.IGNORECASE)


def read_mermaid(text: str, warn: Callable[[str], None]) -> Visual:
    """Return the flow chart in the source of a Mermaid diagram.

    Args:
        text: The source.
        warn: Called with what was left out.

    Raises:
        InputError: If it is another kind of diagram, has a line that cannot be read, or too many boxes.
    """
    statements = [part.strip() for line in text.splitlines() for part in _statements(line)]
    found = _HEAD.match(statements[0]) if statements else None
    if found is None:
        kind = statements[0].split()[0] if statements else "an empty diagram"
        raise InputError(f"only flow charts are read from Mermaid, not {kind}; write a block such as 'process' instead")
    chart = _Chart()
    first = statements[0][found.end() :].strip()
    lost: dict[str, None] = {}
    for statement in ([first] if first else []) + statements[1:]:
        word = statement.split()[0]
        if word in ("subgraph", "end"):
            lost["frames of subgraphs"] = None
        elif _IGNORED.match(statement):
            lost["styles and links"] = None
        else:
            chart.read(statement)
    if not 1 <= len(chart.boxes) <= MAX_VISUAL_ITEMS:
        raise InputError(f"the flow chart has {len(chart.boxes)} boxes; draw 1 to {MAX_VISUAL_ITEMS}")
    if lost:
        warn(f"left out of the flow chart: {', '.join(lost)}")
    direction = (found[1] or "TD").upper()
    return chart.visual("right" if direction in ("LR", "RL") else "down", backwards=direction in ("RL", "BT"))


def _statements(line: str) -> list[str]:
    """Return the statements of a line: without comments, and parted by semicolons outside of texts."""
    if line.strip().startswith("%%"):
        return []
    return [part for part in re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)(?![^\[({]*[\])}])', line) if part.strip()]


@dataclass(slots=True)
class _Chart:
    boxes: dict[str, tuple[str, BoxShape]] = field(default_factory=dict)
    """Label and shape of each box by its id."""
    links: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, statement: str) -> None:
        """Read one statement: boxes, chained by arrows."""
        rest = statement
        before, rest = self._group(rest, statement)
        while rest.strip():
            arrow = _ARROW.match(rest)
            if arrow is None:
                raise InputError(f"the line '{statement}' of the flow chart cannot be read")
            after, rest = self._group(rest[arrow.end() :], statement)
            label = _words(arrow["inside"] or arrow["label"] or "")
            if not (arrow["end2"] or "").startswith("~"):  # an invisible link
                self.links += [(one, other, label) for one in before for other in after]
                if arrow["back"] == "<":
                    self.links += [(other, one, "") for one in before for other in after]
            before = after

    def visual(self, direction: Direction, *, backwards: bool) -> Visual:
        """Return the chart as a visual; keys tell boxes with the same label apart."""
        labels = [label for label, _ in self.boxes.values()]

        def others(key: str) -> set[str]:
            return self.boxes.keys() - {key}

        items = [
            VisualItem(label=label, shape=shape, key=key if labels.count(label) > 1 or label in others(key) else "")
            for key, (label, shape) in self.boxes.items()
        ]
        names = {key: item.key or item.label for key, item in zip(self.boxes, items, strict=True)}
        links = [VisualLink(source=names[one], target=names[other], label=label) for one, other, label in self.links]
        return Visual(
            kind="flow",
            items=tuple(reversed(items)) if backwards else tuple(items),
            links=tuple(links),
            direction=direction,
        )

    def _group(self, text: str, statement: str) -> tuple[list[str], str]:
        """Read the boxes before an arrow, parted by "&"; return their ids and the rest of the text."""
        keys: list[str] = []
        while True:
            key, text = self._box(text.lstrip(), statement)
            keys.append(key)
            if not text.lstrip().startswith("&"):
                return keys, text
            text = text.lstrip()[1:]

    def _box(self, text: str, statement: str) -> tuple[str, str]:
        found = _NODE.match(text)
        if found is None:
            raise InputError(f"the line '{statement}' of the flow chart cannot be read")
        key, rest = found[1], text[found.end() :]
        for opening, closing, shape in _BRACKETS:
            if rest.startswith(opening):
                inner = rest[len(opening) :]
                quoted = re.match(r'\s*"([^"]*)"\s*', inner)
                if quoted is not None and inner[quoted.end() :].startswith(closing):
                    end = quoted.end()
                    self.boxes[key] = _words(quoted[1]) or key, shape
                    rest = inner[end + len(closing) :]
                    break
                end = inner.find(closing)
                if end >= 0 and quoted is None:
                    self.boxes[key] = _words(inner[:end]) or key, shape
                    rest = inner[end + len(closing) :]
                    break
        else:
            self.boxes.setdefault(key, (escape_inline(key), "box"))
        marked = _CLASS.match(rest)
        return key, rest if marked is None else rest[marked.end() :]


def _words(text: str) -> str:
    """Return a text of the chart as inline Markdown: entities resolved, on one line."""
    text = html.unescape(_BREAK.sub(" ", text.replace("#quot;", '"')).strip().strip('"').strip("`"))
    return escape_inline(" ".join(text.split()))


def readable_lines(text: str) -> list[str]:
    """Return the texts of a diagram that cannot be drawn, line by line, without its marks."""
    lines = [part for line in text.splitlines() for part in _statements(line)][1:]
    shown = (_LINE_ARROW.sub(" \u2192 ", _BOX.sub(r"\1", line)) for line in lines if not _IGNORED.match(line.strip()))
    words = (_words(line.replace('"', "").removeprefix("subgraph ")) for line in (one.strip() for one in shown))
    return [line for line in words if line and line != "end"]
