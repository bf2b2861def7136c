"""The layouts of the built-in themes: their placeholders and geometry. All lengths are in inches."""

from __future__ import annotations

from dataclasses import dataclass, field

from seedx_tools.decks.text.fitting import column_size
from seedx_tools.decks.theme.designs import HEIGHT_INCHES, ColoredBox, Design, InchBox

_GAP = 0.5
_WIDE = 12.0
"""Wider pages have more room beside a picture, and larger type."""


@dataclass(frozen=True, slots=True)
class PlaceholderSpec:
    """A placeholder of a layout."""

    kind: str
    box: InchBox
    prompt: str
    anchor: str = "t"
    level1: str = ""
    """XML of the a:lvl1pPr where it differs from the master's."""
    rounded: bool = False
    fill: str = ""
    """A scheme color; empty: none."""
    insets: InchBox | None = None
    """The distances of the text from the left, top, right and bottom; None: as on the master."""


@dataclass(frozen=True, slots=True)
class LayoutSpec:
    """A layout: its name in PowerPoint, its type (ST_SlideLayoutType) and its placeholders."""

    name: str
    kind: str
    placeholders: list[PlaceholderSpec]
    ground: str = ""
    """The scheme color of its background; empty: the master's."""
    shapes: list[ColoredBox] = field(default_factory=list)
    """What decorates it in place of the master's shapes; empty: the master's."""
    footer: tuple[float, float] | None = None
    """The left and right edge of footer and slide number; None: none."""


def footer_boxes(design: Design, left: float, right: float) -> dict[str, InchBox]:
    """Return the boxes of the footer, the date and the slide number between two edges."""
    top, height, number = design.footer_top, 0.32, 0.8
    right -= design.logo_width + 0.3 if design.logo_width else 0.0
    rest = right - left - number
    return {
        "ftr": (left, top, rest * 0.68, height),
        "dt": (left + rest * 0.7, top, rest * 0.28, height),
        "sldNum": (right - number, top, number, height),
    }


def deck_layouts(width: float, design: Design) -> list[LayoutSpec]:
    """Return the layouts of a theme on a page of this width in inches."""
    return [*_cover_layouts(width, design), *_content_layouts(width, design), *_statement_layouts(width, design)]


def level1_style(attributes: str, points: float, color: str, *, no_bullet: bool = False, align: str = "") -> str:
    """Return the a:lvl1pPr of a placeholder: its size and its scheme color."""
    bullet = "<a:buNone/>" if no_bullet else ""
    margins = "marL='0' indent='0'" if no_bullet else ""
    aligned = f"algn='{align}'" if align else ""
    fill = f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill>"
    size = round(points * 100)
    return f"<a:lvl1pPr {margins} {aligned}>{bullet}<a:defRPr sz='{size}' {attributes}>{fill}</a:defRPr></a:lvl1pPr>"


def _bold(design: Design) -> str:
    return "b='1'" if design.title_bold else "b='0'"


def _cover_layouts(width: float, design: Design) -> list[LayoutSpec]:
    """Return the layouts of title, section and closing slides."""
    wide = width > _WIDE
    align = "ctr" if design.cover == "center" else ""
    big = level1_style(_bold(design), 44 if wide else 36, design.cover_text, align=align)
    middle = level1_style(_bold(design), 38 if wide else 32, design.cover_text, align=align)
    small = level1_style("", 20 if wide else 18, design.cover_second, no_bullet=True, align=align)
    side = HEIGHT_INCHES if wide else 4.1
    panel = 4.9 if wide else 3.6
    picture: InchBox = (width - side, 0.0, side, side) if wide else (width - side - 0.6, 1.7, side, side)
    left = design.margin + (0.25 if design.cover == "bar" else 0.0)
    beside = picture[0] - left - 0.5
    alone = width - left - (panel + 0.5 if design.cover == "split" else design.margin)

    def texts(title: str, second: str, room: float, style: str) -> tuple[list[PlaceholderSpec], list[ColoredBox]]:
        start, middle_line = left, 4.0
        if design.cover == "center" and room == alone:
            room, start = width * 0.74, width * 0.13
        top = PlaceholderSpec(title, (start, middle_line - 2.5, room, 2.3), "Title", anchor="b", level1=style)
        low = PlaceholderSpec(second, (start, middle_line + 0.25, room, 1.5), "Subtitle", level1=small)
        rule = (start + 0.0, middle_line - 0.02, 0.9, 0.07)
        if design.cover == "center":
            rule = (start + room / 2 - 0.45, *rule[1:]) if room != beside else rule
        if design.cover == "bar":
            rule = (start - 0.33, middle_line - 1.5, 0.09, 2.6)
        shapes = [ColoredBox(name="Accent", box=rule, color="accent1")]
        if design.cover == "page":
            shapes = [
                ColoredBox(name="Rule", box=(start, middle_line, room, 0.012), color="tx1"),
                ColoredBox(name="Accent", box=(start, middle_line - 0.02, 1.6, 0.06), color="accent1"),
                ColoredBox(name="Head rule", box=(start, 0.6, room, 0.012), color="tx1"),
            ]
        return [top, low], shapes

    def colored(shapes: list[ColoredBox]) -> list[ColoredBox]:
        if design.cover != "split":
            return shapes
        edge = ColoredBox(name="Edge", box=(width - panel - 0.12, 0, 0.12, HEIGHT_INCHES), color="accent1")
        return [ColoredBox(name="Panel", box=(width - panel, 0.0, panel, HEIGHT_INCHES), color="tx2"), edge, *shapes]

    def lone(name: str, kind: str, title: str, second: str, style: str) -> LayoutSpec:
        placeholders, shapes = texts(title, second, alone, style)
        return LayoutSpec(name, kind, placeholders, ground=design.cover_ground, shapes=colored(shapes))

    placeholders, shapes = texts("ctrTitle", "subTitle", beside, big if align == "" else big.replace("algn='ctr'", ""))
    if align:
        placeholders[1] = PlaceholderSpec(
            "subTitle", placeholders[1].box, "Subtitle", level1=small.replace("algn='ctr'", "")
        )
    pictured = PlaceholderSpec("pic", picture, "Picture", rounded=design.rounded and not wide)
    return [
        LayoutSpec(
            "Title Slide with Picture",
            "title",
            [*placeholders, pictured],
            ground=design.cover_ground,
            shapes=shapes,
        ),
        lone("Title Slide", "title", "ctrTitle", "subTitle", big),
        lone("Section", "secHead", "title", "body", middle),
        lone("Closing", "title", "ctrTitle", "subTitle", big),
    ]


def _content_layouts(width: float, design: Design) -> list[LayoutSpec]:
    """Return the layouts of slides with a title and content."""
    wide = width > _WIDE
    left, right = design.content(width)
    full, top, bottom = right - left, design.body_top, design.body_bottom
    height = bottom - top
    half = (full - _GAP) / 2
    frame = min(4.65 if wide else 3.7, full * 0.5, height)
    picture_top = top + (height - frame) / 2
    text_wide = full - frame - _GAP
    text = design.text_size if wide else design.text_size - 2
    narrow = min(text, 20 if wide else 18)
    text_size = level1_style("", text, "tx1")
    column_size = level1_style("", narrow, "tx1")
    head_size = level1_style("b='1'", narrow, "tx2", no_bullet=True)
    quote_size = level1_style("i='1'", 30 if wide else 24, "tx2", no_bullet=True)
    by_size = level1_style("", narrow, "tx1", no_bullet=True)
    chart_width = full * 0.62
    beside = left + chart_width + _GAP

    def body(start: float, room: float, anchor: str, level1: str, top: float = top) -> PlaceholderSpec:
        return PlaceholderSpec("body", (start, top, room, bottom - top), "Text", anchor=anchor, level1=level1)

    def picture(start: float) -> PlaceholderSpec:
        return PlaceholderSpec("pic", (start, picture_top, frame, frame), "Picture", rounded=design.rounded)

    def heading(start: float) -> PlaceholderSpec:
        return PlaceholderSpec("body", (start, top, half, 0.6), "Heading", anchor="b", level1=head_size)

    def content(name: str, kind: str, *placeholders: PlaceholderSpec) -> LayoutSpec:
        return LayoutSpec(name, kind, [_title(width, design), *placeholders], footer=(left, right))

    second = left + half + _GAP
    return [
        content("Title and Text", "obj", body(left, full, "t", text_size)),
        content("Text and Picture", "cust", body(left, text_wide, "ctr", text_size), picture(right - frame)),
        content("Picture and Text", "cust", body(left + frame + _GAP, text_wide, "ctr", text_size), picture(left)),
        content("Two Columns", "twoObj", body(left, half, "t", column_size), body(second, half, "t", column_size)),
        content(
            "Comparison",
            "twoTxTwoObj",
            heading(left),
            body(left, half, "t", column_size, top + 0.75),
            heading(second),
            body(second, half, "t", column_size, top + 0.75),
        ),
        *_many_columns(width, design),
        content("Table", "tbl", PlaceholderSpec("tbl", (left, top, full, height), "Table")),
        content("Chart", "chart", PlaceholderSpec("chart", (left, top, full, height), "Chart")),
        content(
            "Chart and Text",
            "chartAndTx",
            PlaceholderSpec("chart", (left, top, chart_width, height), "Chart"),
            body(beside, right - beside, "ctr", column_size),
        ),
        content(
            "Quote",
            "cust",
            PlaceholderSpec("body", (left, top, full, 2.6), "Quote", anchor="b", level1=quote_size),
            PlaceholderSpec("body", (left, top + 2.8, full, 0.8), "Attribution", level1=by_size),
        ),
    ]


def _many_columns(width: float, design: Design) -> list[LayoutSpec]:
    """Return the layouts of three and four columns, with and without headings."""
    left, right = design.content(width)
    top, bottom, names = design.body_top, design.body_bottom, {3: "Three Columns", 4: "Four Columns"}
    found = []
    for count, name in names.items():
        gap = _GAP * 2 / count
        room = (right - left - (count - 1) * gap) / count
        size = column_size(room * 72)
        starts = [left + number * (room + gap) for number in range(count)]
        text = level1_style("", size, "tx1") + f"<a:lvl2pPr><a:defRPr sz='{round(size * 100) - 200}'/></a:lvl2pPr>"
        head = level1_style("b='1'", size, "tx2", no_bullet=True)
        title = _title(width, design)
        plain = [PlaceholderSpec("body", (x, top, room, bottom - top), "Text", level1=text) for x in starts]
        headed: list[PlaceholderSpec] = []
        for x in starts:
            headed.append(PlaceholderSpec("body", (x, top, room, 0.6), "Heading", anchor="b", level1=head))
            headed.append(PlaceholderSpec("body", (x, top + 0.75, room, bottom - top - 0.75), "Text", level1=text))
        found.append(LayoutSpec(name, "cust", [title, *plain], footer=(left, right)))
        found.append(LayoutSpec(f"{name} with Headings", "cust", [title, *headed], footer=(left, right)))
    return found


def _title(width: float, design: Design) -> PlaceholderSpec:
    if not design.panel:
        left, right = design.content(width)
        box = (left, design.title_top, right - left, design.title_height)
        return PlaceholderSpec("title", box, "Title", anchor=design.title_anchor)
    style = level1_style(_bold(design), design.title_size if width > _WIDE else 20, "bg1")
    return PlaceholderSpec(
        "title",
        (0.0, 0.0, design.panel_width(width), HEIGHT_INCHES),
        "Title",
        anchor=design.title_anchor,
        level1=style,
        fill="tx2",
        insets=(design.margin, design.title_top, 0.35, 0.8),
    )


def _statement_layouts(width: float, design: Design) -> list[LayoutSpec]:
    """Return the layouts of slides that are a title in large type, with or without a picture."""
    wide = width > _WIDE
    left, right = design.margin, width - design.margin
    statement = level1_style(_bold(design), 38 if wide else 30, "tx2")
    big = 5.4 if wide else 4.4
    filling = HEIGHT_INCHES if wide else 4.6

    def headline(room: float) -> tuple[PlaceholderSpec, ColoredBox]:
        title = PlaceholderSpec("title", (left, 1.2, room, 2.75), "Title", anchor="b", level1=statement)
        return title, ColoredBox(name="Accent", box=(left, 4.1, 0.9, 0.07), color="accent1")

    def layout(name: str, kind: str, room: float, *pictures: PlaceholderSpec, edge: float = right) -> LayoutSpec:
        title, accent = headline(room)
        return LayoutSpec(name, kind, [title, *pictures], shapes=[accent], footer=(left, edge))

    framed = (right - big, (HEIGHT_INCHES - big) / 2 - 0.15, big, big)
    edge = width - filling - _GAP
    return [
        layout(
            "Title and Picture",
            "cust",
            right - left - big - _GAP,
            PlaceholderSpec("pic", framed, "Picture", rounded=design.rounded),
        ),
        layout(
            "Full Picture",
            "cust",
            edge - left,
            PlaceholderSpec("pic", (width - filling, 0.0, filling, HEIGHT_INCHES), "Picture"),
            edge=edge,
        ),
        layout("Title Only", "titleOnly", right - left),
    ]
