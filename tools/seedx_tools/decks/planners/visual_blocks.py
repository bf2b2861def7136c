"""Read fenced blocks of an outline as visuals: one item per line.

```kpis            62 % | solved at first contact | up 4 points      value | label | text
```timeline        2026 Q1: Pilot                                    date: label | text
```process         Triage: the desk sets the priority                label: text, or label | text
```cards           :users: Customers: we answer within a day         an icon's name between colons first
```matrix          x: Effort, y: Value, then four lines              label: text; "* " marks the one that stands out
```comparison      Criterion | * Build | Buy, then Cost | 3/4 | no   the options first; then a mark or words for each
```org_chart       Ann: chief executive, and under it, indented      label: text
```flow            Ticket -> Triage -> Fix: when ready               arrows, and a label of the last one

cycle, pyramid and funnel are written like process, big_number like kpis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from seedx_sdk.errors import InputError
from seedx_tools.decks.visuals import MAX_OPTIONS, MAX_VISUAL_ITEMS, Visual, VisualItem, VisualKind, VisualLink

_KINDS: Mapping[str, VisualKind] = {
    "kpis": "kpis",
    "kpi": "kpis",
    "cards": "cards",
    "big_number": "big_number",
    "number": "big_number",
    "process": "process",
    "steps": "process",
    "cycle": "cycle",
    "timeline": "timeline",
    "matrix": "matrix",
    "comparison": "comparison",
    "comparison_matrix": "comparison",
    "pyramid": "pyramid",
    "funnel": "funnel",
    "org_chart": "org_chart",
    "org": "org_chart",
    "flow": "flow",
}
_VALUE_FIRST = ("kpis", "big_number", "timeline")
_ICON = re.compile(r":([a-z][a-z0-9-]*):\s*")
_MARK = re.compile(r"[-*+]\s+|\d{1,3}[.)]\s+")
_COLON = re.compile(r":\s+")
_ARROW = re.compile(r"\s*-{1,2}>\s*")
_RULE = re.compile(r":?-+:?")
_AXIS = re.compile(r"([xy])\s*[:=]\s*(.+)", re.IGNORECASE)


def visual_kind(info: str) -> VisualKind | None:
    """Return the kind of visual that the info string of a fenced block names; None for another block."""
    return _KINDS.get(info.strip().lower().replace("-", "_").replace(" ", "_"))


def read_visual_block(kind: VisualKind, content: str) -> Visual:
    """Return the visual that the lines of a fenced block describe.

    Raises:
        InputError: If there are no items, too many, or one without a label.
    """
    lines = [line.rstrip() for line in content.splitlines() if line.strip()]
    if kind == "flow":
        return _flow(lines)
    if kind == "comparison":
        return _comparison(lines)
    axes: dict[str, str] = {}
    if kind == "matrix":
        found = [(line, _AXIS.fullmatch(line.strip())) for line in lines]
        axes = {match[1].lower(): match[2].strip() for _, match in found if match is not None}
        lines = [line for line, match in found if match is None]
    if not 1 <= len(lines) <= MAX_VISUAL_ITEMS:
        raise InputError(f"a {kind} block has {len(lines)} lines; write 1 to {MAX_VISUAL_ITEMS}, one per item")
    parents = _parents(lines) if kind == "org_chart" else [""] * len(lines)
    return Visual(
        kind=kind,
        items=tuple(_item(kind, line, parent) for line, parent in zip(lines, parents, strict=True)),
        axes=(axes.get("x", ""), axes.get("y", "")) if axes else (),
        highlight=next((n for n, line in enumerate(lines, 1) if kind == "matrix" and line.startswith("* ")), 0),
    )


def block_lines(content: str) -> list[str]:
    """Return the lines of a block that cannot be drawn as points."""
    lines = (_ICON.sub("", _unmarked(line)) for line in content.splitlines() if line.strip())
    return [": ".join(cell.strip() for cell in line.split("|") if cell.strip()) for line in lines]


def _item(kind: VisualKind, line: str, parent: str = "") -> VisualItem:
    text = _unmarked(line)
    icon = ""
    if (found := _ICON.match(text)) is not None:
        icon, text = found[1], text[found.end() :]
    value = ""
    cells = [cell.strip() for cell in text.split("|")]
    if kind in _VALUE_FIRST:
        if len(cells) == 1 or (kind == "timeline" and len(cells) == 2 and _COLON.search(cells[0])):
            cells[:1] = [part.strip() for part in _COLON.split(cells[0], maxsplit=1)]
        if len(cells) > 1:
            value, *cells = cells
    elif len(cells) == 1:
        cells = [part.strip() for part in _COLON.split(cells[0], maxsplit=1)]
    elif kind == "funnel" and len(cells) > 2:
        value, *cells = cells
    label, *rest = cells
    if not label:
        raise InputError(f"the line '{line.strip()}' has no label; write 'label: text'")
    return VisualItem(label=label, text=" ".join(filter(None, rest)), value=value, icon=icon, parent=parent)


def _parents(lines: list[str]) -> list[str]:
    """Return the label of the line that each line is indented under; empty for a line that is not."""
    above: list[tuple[int, str]] = []
    parents: list[str] = []
    for line in lines:
        line = line.expandtabs(4)
        depth = len(line) - len(line.lstrip())
        above = [(other, label) for other, label in above if other < depth]
        parents.append(above[-1][1] if above else "")
        above.append((depth, _item("org_chart", line).label))
    return parents


def _unmarked(line: str) -> str:
    text = line.strip()
    found = _MARK.match(text)
    return text if found is None else text[found.end() :]


def _comparison(lines: list[str]) -> Visual:
    """Return the comparison whose first line holds the heading of the criteria and the options."""
    rows = [[cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")] for line in lines]
    rows = [row for row in rows if not all(_RULE.fullmatch(cell) for cell in row)]
    heading, *options = rows.pop(0) if rows else [""]
    if not rows or not 1 <= len(options) <= MAX_OPTIONS or len(rows) > MAX_VISUAL_ITEMS:
        raise InputError(
            f"a comparison block has {len(options)} options and {len(rows)} criteria; write 'Criterion | Option A | "
            f"Option B', with up to {MAX_OPTIONS} options, and under it 'Price | yes | no', up to {MAX_VISUAL_ITEMS}"
        )
    wrong = next((row for row in rows if len(row) - 1 > len(options)), None)
    if wrong is not None:
        raise InputError(f"'{wrong[0]}' has {len(wrong) - 1} cells and the comparison {len(options)} options")
    items = []
    for criterion, *cells in rows:
        item = _item("comparison", criterion)
        items.append(item.model_copy(update={"cells": (*cells, *[""] * (len(options) - len(cells)))}))
    return Visual(
        kind="comparison",
        items=tuple(items),
        axes=(heading,) if heading else (),
        options=tuple(option.removeprefix("* ") for option in options),
        highlight=next((number for number, option in enumerate(options, 1) if option.startswith("* ")), 0),
    )


def _flow(lines: list[str]) -> Visual:
    labels: dict[str, None] = {}
    links: list[VisualLink] = []
    for line in lines:
        *boxes, last = _ARROW.split(_unmarked(line))
        name, *label = _COLON.split(last, maxsplit=1) if boxes else [last]
        boxes = [box.strip() for box in (*boxes, name)]
        if not all(boxes):
            raise InputError(f"the line '{line.strip()}' has an arrow without a box; write 'A -> B'")
        labels |= dict.fromkeys(boxes)
        pairs = list(zip(boxes, boxes[1:], strict=False))
        links += [
            VisualLink(source=one, target=other, label=label[0].strip() if label and number == len(pairs) else "")
            for number, (one, other) in enumerate(pairs, 1)
        ]
    if not 1 <= len(labels) <= MAX_VISUAL_ITEMS:
        raise InputError(f"a flow block has {len(labels)} boxes; draw 1 to {MAX_VISUAL_ITEMS}")
    return Visual(kind="flow", items=tuple(VisualItem(label=label) for label in labels), links=tuple(links))
