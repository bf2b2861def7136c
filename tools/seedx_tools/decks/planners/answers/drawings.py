"""Visuals as chat models write them; one that cannot be drawn becomes points, so that no text is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from seedx_tools.decks.planners.answers.lines import heading_of
from seedx_tools.decks.planners.answers.names import renamed
from seedx_tools.decks.visuals import MAX_OPTIONS, MAX_VISUAL_ITEMS, VisualKind
from seedx_tools.lenient import same_word
from seedx_tools.model_answers import written

Warn: TypeAlias = Callable[[str], None]

_KINDS: dict[VisualKind, tuple[str, ...]] = {
    "kpis": ("kpi", "kpi cards", "metrics", "figures", "numbers", "scorecard", "stats"),
    "cards": ("card", "features", "icons", "grid", "tiles", "boxes"),
    "big_number": ("number", "stat", "hero number", "big stat"),
    "process": ("steps", "step", "chevrons", "workflow", "pipeline"),
    "cycle": ("circle", "loop", "wheel"),
    "timeline": ("roadmap", "milestones", "history", "schedule"),
    "comparison": ("comparison matrix", "comparison table", "harvey balls", "scorecard matrix"),
    "matrix": ("quadrant", "quadrants", "swot", "2x2", "2x2 matrix"),
    "pyramid": ("levels", "hierarchy pyramid", "triangle"),
    "funnel": ("sales funnel",),
    "org_chart": ("organization chart", "hierarchy", "organigram", "tree", "orgchart"),
    "flow": ("flowchart", "flow chart", "diagram", "graph"),
}
_NAMES = {
    "kind": ("type", "visual_type", "visual_kind"),
    "items": ("steps", "cards", "data", "elements", "nodes", "events", "levels", "kpis", "boxes", "criteria", "rows"),
    "options": ("columns", "alternatives", "headers"),
    "links": ("edges", "connections", "arrows"),
}
_ITEM_NAMES = {
    "label": ("title", "name", "heading", "step", "criterion"),
    "text": ("description", "details", "detail", "body", "subtitle"),
    "value": ("figure", "number", "date", "metric", "year"),
    "key": ("id",),
    "cells": ("values", "marks", "ratings", "scores"),
}
_LINK_NAMES = {"source": ("from", "start"), "target": ("to", "end")}


def visual_as_meant(value: Any, warn: Warn) -> tuple[dict[str, Any] | None, list[Any]]:
    """Return the fields of a visual, and what becomes points because it cannot be drawn."""
    if not isinstance(value, Mapping):
        return None, [value] if isinstance(value, str) and value.strip().lower() not in ("", "none", "null") else []
    visual = renamed(value, _NAMES)
    items = visual.get("items")
    if isinstance(items, Mapping):
        items = [{"label": name, "text": text} for name, text in items.items()]
    drawn = [_item(item) for item in items or () if item] if isinstance(items, list | tuple) else []
    kind = _kind(visual.get("kind"))
    options = [written(option) for option in visual.get("options") or () if _is_plain(option)][:MAX_OPTIONS]
    if kind == "comparison" and not options:
        kind = "cards"
    if not drawn:
        if visual.get("kind"):
            warn(f"the chat model gave a {visual['kind']} without items; it was left out")
        return None, []
    if kind is None or len(drawn) > MAX_VISUAL_ITEMS:
        why = "no kind that exists" if kind is None else f"too many items ({len(drawn)})"
        warn(f"the chat model gave a drawing with {why}, {str(visual.get('kind'))!r}; its texts became points")
        return None, [_as_point(item) for item in drawn]
    if kind == "comparison":
        drawn = [item | {"cells": _cells(item.get("cells"), options, warn)} for item in drawn]
    links = [renamed(link, _LINK_NAMES) for link in visual.get("links") or () if isinstance(link, Mapping)]
    axes = visual.get("axes")
    highlight = visual.get("highlight")
    is_in_range = isinstance(highlight, int) and 0 <= highlight <= len(options or drawn)
    visual |= {"kind": kind, "items": drawn, "links": links, "highlight": highlight if is_in_range else None}
    visual["options"] = options or None
    visual["axes"] = axes[:2] if isinstance(axes, list) else list(axes.values())[:2] if isinstance(axes, dict) else None
    return visual, []


def _kind(value: Any) -> VisualKind | None:
    word = written(value)
    for kind in get_args(VisualKind):
        if any(same_word(word, other) for other in (kind, *_KINDS[kind])):
            found: VisualKind = kind
            return found
    return None


def _item(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {"label": written(value)}
    item = renamed(value, _ITEM_NAMES)
    item |= {name: written(item[name]) for name in ("label", "text", "value") if name in item and _is_plain(item[name])}
    if not item.get("label"):
        taken = next((name for name in ("text", "value") if item.get(name)), None)
        item["label"] = item.pop(taken) if taken else ""
    item["label"] = heading_of(item["label"])
    return item


def _cells(value: Any, options: Sequence[str], warn: Warn) -> list[str]:
    """Return one cell for each option."""
    if isinstance(value, Mapping):
        value = [value.get(option) for option in options]
    cells = [cell.strip() for cell in value.split("|")] if isinstance(value, str) else list(value or ())
    texts = ["yes" if cell is True else "no" if cell is False else written(cell) for cell in cells]
    if len(texts) > len(options):
        warn(f"a row of a comparison had {len(texts)} cells for {len(options)} options; the rest was left out")
    return [*texts[: len(options)], *[""] * (len(options) - len(texts))]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _as_point(item: Mapping[str, Any]) -> str:
    cells = item.get("cells") or ()
    texts = [item[name] for name in ("label", "value", "text") if item.get(name)]
    texts += cells if isinstance(cells, list) else [cells] if cells else []
    return ": ".join(map(written, texts))
