"""The texts of a plan that are inline Markdown, in the order in which a slide is read."""

from __future__ import annotations

from collections.abc import Callable

from seedx_tools.decks.outline import SlidePlan


def mapped_texts(plan: SlidePlan, change: Callable[[str], str]) -> SlidePlan:
    """Return a plan with each of its texts changed, except footnotes."""
    update: dict[str, object] = {"title": change(plan.title)}
    if plan.columns:
        update["columns"] = tuple(
            column.model_copy(
                update={"heading": change(column.heading), "bullets": tuple(change(text) for text in column.bullets)}
            )
            for column in plan.columns
        )
    if (table := plan.table) is not None:
        header = tuple(change(cell) for cell in table.header)
        rows = tuple(tuple(change(cell) for cell in row) for row in table.rows)
        update["table"] = table.model_copy(update={"header": header, "rows": rows})
    if (quote := plan.quote) is not None:
        update["quote"] = quote.model_copy(update={"text": change(quote.text), "by": change(quote.by)})
    if (visual := plan.visual) is not None:
        fields = ("label", "text", "value", "parent")  # a parent is the label of another item
        options = tuple(change(option) for option in visual.options)
        items = tuple(
            item.model_copy(
                update={
                    **{name: change(getattr(item, name)) for name in fields},
                    "cells": tuple(change(cell) for cell in item.cells),
                }
            )
            for item in visual.items
        )
        ends = ("source", "target", "label")
        links = tuple(
            link.model_copy(update={name: change(getattr(link, name)) for name in ends}) for link in visual.links
        )
        axes = tuple(change(axis) for axis in visual.axes)
        update["visual"] = visual.model_copy(update={"items": items, "links": links, "axes": axes, "options": options})
    update["source"] = change(plan.source)
    update["bullets"] = tuple(change(text) for text in plan.bullets)
    return plan.model_copy(update=update)


def texts_of(plan: SlidePlan) -> list[str]:
    """Return the texts of a plan, except footnotes."""
    texts: list[str] = []

    def collect(text: str) -> str:
        texts.append(text)
        return text

    mapped_texts(plan, collect)
    return [text for text in texts if text.strip()]
