"""Read a drawing back from its shapes, as they are now: names tell the parts, texts and connectors what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pptx.oxml.ns import qn
from pptx.slide import Slide
from pydantic import ValidationError

from seedx_tools.decks.drawing.flow import SHAPES
from seedx_tools.decks.drawing.names import PROGRESS_NAME, Part, part_of
from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.ooxml.styles import MONOSPACED
from seedx_tools.decks.text.inline import Span, note_mark, to_inline
from seedx_tools.decks.text.reading import mark_of
from seedx_tools.decks.text.strings import runs_right_to_left
from seedx_tools.decks.visuals import BoxShape, Visual, VisualItem, VisualLink

_AXES = ("horizontal", "vertical")
_SHAPE_NAMES: Mapping[str, BoxShape] = {preset: shape for shape, preset in SHAPES.items()}


class _Parts(NamedTuple):
    """The shapes of a drawing."""

    fields: dict[int, dict[str, str]]
    """The texts of each item, by field."""
    boxes: dict[int, tuple[int, Any]]
    """The item and the shape of each label, by shape id."""
    others: dict[str, Any]
    """What shows no item, by the part's name."""
    connectors: list[Any]


def is_drawn(name: str) -> bool:
    """Return whether a shape of this name is a part of a drawing or of a section slide's progress."""
    return part_of(name) is not None or name.startswith(f"{PROGRESS_NAME} ")


def read_visual(slide: Slide) -> Visual | None:
    """Return the drawing on a slide; None if there is none, there are several, or it was changed beyond reading."""
    named = [(shape, part) for shape in slide.shapes if (part := part_of(shape.name)) is not None]
    if not named or len({(part.kind, part.number) for _, part in named}) > 1:
        return None
    kind = named[0][1].kind
    sorted_out = _sorted_out(slide, named)
    if sorted_out is None:
        return None
    fields, boxes, others, connectors = sorted_out
    links = _links(connectors, boxes)
    order = sorted(fields)
    labels = {item: fields[item].get("label", "") for item in order}
    parents = {target: source for source, target, _ in links} if kind == "org_chart" else {}
    shapes = {item: _box_shape(shape) for item, shape in boxes.values()} if kind == "flow" else {}
    icons = _icons(others)
    repeated = {item for item in order if list(labels.values()).count(labels[item]) > 1} if kind == "flow" else set()
    names = {item: f"box {item + 1}" if item in repeated else labels[item] for item in order}
    headings = ("criteria",) if kind == "comparison" else _AXES
    axes = tuple(others[f"{axis} title"].text_frame.text if f"{axis} title" in others else "" for axis in headings)
    grid = _read_grid(slide, [shape for shape, _ in named], boxes) if kind == "comparison" else _Grid((), {}, 0)
    if grid is None:
        return None
    try:
        return Visual(
            kind=kind,
            items=tuple(
                VisualItem(
                    label=labels[item],
                    text=fields[item].get("text", ""),
                    value=fields[item].get("value", ""),
                    icon=icons.get(item, ""),
                    shape=shapes.get(item, "box"),
                    key=names[item] if item in repeated else "",
                    parent=labels.get(parents[item], "") if item in parents else "",
                    cells=grid.cells.get(item, ()),
                )
                for item in order
            ),
            links=tuple(
                VisualLink(source=names[source], target=names[target], label=_label(slide, others, name))
                for source, target, name in (links if kind == "flow" else [])
            ),
            direction=_direction(links, boxes) if kind == "flow" else "auto",
            axes=axes if any(axes) else (),
            options=grid.options,
            highlight=_highlighted(boxes.values()) if kind == "matrix" else grid.highlight,
        )
    except ValidationError:
        return None


def _sorted_out(slide: Slide, named: Sequence[tuple[Any, Part]]) -> _Parts | None:
    """Return the shapes of a drawing by what they are; None if one was copied: which of the two counts is not known."""
    parts = _Parts({}, {}, {}, [])
    for shape, part in named:
        if shape.element.tag == qn("p:cxnSp"):
            parts.connectors.append(shape)
        elif part.item is None:
            parts.others[shape.name.partition(", ")[2]] = shape
        else:
            item = parts.fields.setdefault(part.item, {})
            texts = _texts(slide, shape, part.fields)
            if item.keys() & texts.keys():
                return None
            item |= texts
            if "label" in part.fields:
                parts.boxes[shape.shape_id] = part.item, shape
    return parts


def _icons(others: Iterable[str]) -> dict[int, str]:
    """Return the icon of each item that has one, from names such as "icon 2: rocket"."""
    found = [name.removeprefix("icon ").partition(": ") for name in others if name.startswith("icon ")]
    return {int(number) - 1: icon for number, _, icon in found if number.isdigit()}


def _texts(slide: Slide, shape: Any, fields: Sequence[str]) -> dict[str, str]:
    """Return the texts of a shape by field; paragraphs beyond the fields belong to the last one."""
    lines = [
        to_inline(_span(slide, run, bold_counts=field == "text") for run in paragraph.runs)
        for paragraph, field in zip(
            shape.text_frame.paragraphs,
            [*fields, *[fields[-1]] * len(shape.text_frame.paragraphs)],
            strict=False,
        )
    ]
    head, rest = lines[: len(fields) - 1], " ".join(line for line in lines[len(fields) - 1 :] if line)
    return {field: text for field, text in zip(fields, [*head, rest], strict=False) if text}


def _span(slide: Slide, run: Any, *, bold_counts: bool) -> Span:
    """Return a run; labels and values are bold by design."""
    if number := mark_of(run._r):
        return note_mark(number)
    properties = run._r.rPr
    click = None if properties is None else properties.find(qn("a:hlinkClick"))
    face = None if properties is None else properties.find(qn("a:latin"))
    link = "" if click is None else slide.part.rels[click.get(qn("r:id"))].target_ref
    return Span(
        run.text,
        bold=bool(run.font.bold) and bold_counts,
        italic=bool(run.font.italic),
        strike=properties is not None and properties.get("strike", "noStrike") != "noStrike",
        code=face is not None and face.get("typeface") == MONOSPACED,
        link=link,
    )


def _links(connectors: Sequence[Any], boxes: Mapping[int, tuple[int, Any]]) -> list[tuple[int, int, str]]:
    """Return source, target and name of each arrow or line; one that runs around boxes is two connectors of a name."""
    ends: dict[str, list[int | None]] = {}
    for shape in connectors:
        properties, line = shape.element.find(f".//{qn('p:cNvCxnSpPr')}"), shape.element.find(f".//{qn('a:ln')}")
        glued = [properties.find(qn(tag)) for tag in ("a:stCxn", "a:endCxn")]
        items = [None if end is None else boxes.get(int(end.get("id")), (None,))[0] for end in glued]
        points_back = line is not None and line.find(qn("a:headEnd")) is not None
        is_head = line is not None and (points_back or line.find(qn("a:tailEnd")) is not None)
        found = ends.setdefault(shape.name.partition(", ")[2], [None, None])
        if None not in items:
            found[:] = reversed(items) if points_back else items
        else:
            found[1 if is_head else 0] = next((item for item in items if item is not None), None)
    return [(pair[0], pair[1], name) for name, pair in ends.items() if pair[0] is not None and pair[1] is not None]


def _label(slide: Slide, others: Mapping[str, Any], arrow: str) -> str:
    shape = others.get(arrow.replace("arrow", "label"))
    return "" if shape is None else _texts(slide, shape, ("label",)).get("label", "")


def _box_shape(shape: Any) -> BoxShape:
    geometry = shape.element.spPr.find(qn("a:prstGeom"))
    return _SHAPE_NAMES.get("" if geometry is None else geometry.get("prst"), "box")


def _direction(links: Sequence[tuple[int, int, str]], boxes: Mapping[int, tuple[int, Any]]) -> Any:
    places = {item: frame_of(shape) for item, shape in boxes.values()}
    for source, target, _ in links:
        one, other = places[source], places[target]
        return "right" if other[0] > one[0] + one[2] or other[0] + other[2] < one[0] else "down"
    return "auto"


class _Grid(NamedTuple):
    """What stands beside the criteria of a comparison."""

    options: tuple[str, ...]
    cells: Mapping[int, tuple[str, ...]]
    highlight: int


def _read_grid(slide: Slide, shapes: Sequence[Any], boxes: Mapping[int, tuple[int, Any]]) -> _Grid | None:
    """Return the options of a comparison and its cells by where they stand; None if two are in one place."""
    mirrored = runs_right_to_left(" ".join(shape.text_frame.text for _, shape in boxes.values()))
    parts = [(shape.name.partition(", ")[2], shape) for shape in shapes]
    heads = sorted((shape for part, shape in parts if part.startswith("option ")), key=_middle, reverse=mirrored)
    cells: dict[tuple[int, int], str] = {}
    for part, shape in parts:
        kind, _, mark = part.partition(": ")
        word = kind.partition(" ")[0]
        if word not in ("mark", "words") or not heads or not boxes:
            continue
        column = min(range(len(heads)), key=lambda place: abs(_middle(heads[place])[0] - _middle(shape)[0]))
        item = min(boxes.values(), key=lambda box: abs(_middle(box[1])[1] - _middle(shape)[1]))[0]
        if (item, column) in cells:
            return None
        cells[item, column] = mark if word == "mark" else _texts(slide, shape, ("text",)).get("text", "")
    return _Grid(
        tuple(_texts(slide, shape, ("label",)).get("label", "") for shape in heads),
        {item: tuple(cells.get((item, place), "") for place in range(len(heads))) for item, _ in boxes.values()},
        _highlighted(enumerate(heads)),
    )


def _middle(shape: Any) -> tuple[float, float]:
    left, top, width, height = frame_of(shape)
    return left + width / 2, top + height / 2


def _highlighted(boxes: Iterable[tuple[int, Any]]) -> int:
    """Return the number of the quadrant or option that is filled with an accent; 0 if none is."""
    for item, shape in boxes:
        color = shape.element.spPr.find(f"{qn('a:solidFill')}/{qn('a:schemeClr')}")
        if color is not None and str(color.get("val")).startswith("accent"):
            return item + 1
    return 0
