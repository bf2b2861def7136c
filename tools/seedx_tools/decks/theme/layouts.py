"""The layouts of the built-in themes: their placeholders and geometry. All lengths are in inches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from seedx_tools.decks.theme.palettes import Palette

HEIGHT_INCHES = 7.5
MARGIN = 0.75
InchBox: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height in inches."""


@dataclass(frozen=True, slots=True)
class PlaceholderSpec:
    """A placeholder of a layout."""

    kind: str
    box: InchBox
    prompt: str
    anchor: str = "t"
    level1: str = ""
    """XML of the a:lvl1pPr where it differs from the master's."""
    rounded: bool = True


@dataclass(frozen=True, slots=True)
class LayoutSpec:
    """A layout: its name in PowerPoint, its type (ST_SlideLayoutType) and its placeholders."""

    name: str
    kind: str
    placeholders: list[PlaceholderSpec]
    is_cover: bool = False
    """Whether it has the cover's background and no footer."""
    footer_right: float | None = None
    """The right edge of footer and slide number, if a picture covers the master's."""


def footer_boxes(right: float, width: float) -> dict[str, InchBox]:
    """Return the boxes of the footer and the slide number.

    Args:
        right: The right edge of the slide number.
        width: The maximum width of the footer.
    """
    top, height, number = 6.92, 0.36, 1.2
    return {
        "ftr": (MARGIN, top, min(width, right - number - MARGIN), height),
        "sldNum": (right - number, top, number, height),
    }


def deck_layouts(width: float, palette: Palette) -> list[LayoutSpec]:
    """Return the layouts of the built-in themes on a page of this width in inches."""
    wide = width > 12
    full = width - 2 * MARGIN
    side = HEIGHT_INCHES if wide else 4.1
    cover_picture = (width - side, 0.0, side, side) if wide else (width - side - 0.6, 1.7, side, side)
    cover_width = cover_picture[0] - MARGIN - 0.5
    frame = 4.65 if wide else 3.7
    top, gap = 1.95, 0.5
    height = 6.6 - top
    text_wide = full - frame - gap
    picture_top = top + (height - frame) / 2
    half = (full - gap) / 2
    big = 5.6 if wide else 4.0
    cover_size = level1_style("b='1'", 4400 if wide else 3400, palette.cover_text)
    second_size = level1_style("", 2000 if wide else 1800, palette.cover_second, no_bullet=True)
    text_size = level1_style("", 2400 if wide else 2000, "tx1")
    column_size = level1_style("", 2000 if wide else 1800, "tx1")
    head_size = level1_style("b='1'", 2000 if wide else 1800, "tx2", no_bullet=True)
    statement = level1_style("b='1'", 4000 if wide else 3200, "tx2")
    quote_size = level1_style("i='1'", 3200 if wide else 2600, "tx2", no_bullet=True)
    by_size = level1_style("", 2000 if wide else 1800, "tx1", no_bullet=True)

    def lone(kind: str, width: float) -> PlaceholderSpec:
        return PlaceholderSpec(kind, (MARGIN, 1.75, width, 2.2), "Title", anchor="b", level1=cover_size)

    def second(kind: str, width: float) -> PlaceholderSpec:
        return PlaceholderSpec(kind, (MARGIN, 4.25, width, 1.6), "Subtitle", level1=second_size)

    def body(left: float, width: float, anchor: str, level1: str, top: float = top) -> PlaceholderSpec:
        return PlaceholderSpec("body", (left, top, width, 6.6 - top), "Text", anchor=anchor, level1=level1)

    def picture(left: float) -> PlaceholderSpec:
        return PlaceholderSpec("pic", (left, picture_top, frame, frame), "Picture")

    def heading(left: float) -> PlaceholderSpec:
        return PlaceholderSpec("body", (left, top, half, 0.6), "Heading", anchor="b", level1=head_size)

    def headline(width: float) -> PlaceholderSpec:
        return PlaceholderSpec("title", (MARGIN, 1.2, width, 2.75), "Title", anchor="b", level1=statement)

    title = PlaceholderSpec("title", (MARGIN, 0.72, full, 0.95), "Title", anchor="ctr")
    right = width - MARGIN - frame
    second_column = MARGIN + half + gap
    chart_width = full * 0.62
    beside = MARGIN + chart_width + gap
    filling = PlaceholderSpec(
        "pic", cover_picture if wide else (width - 4.6, 0.0, 4.6, HEIGHT_INCHES), "Picture", rounded=False
    )
    return [
        LayoutSpec(
            "Title Slide with Picture",
            "title",
            [
                lone("ctrTitle", cover_width),
                second("subTitle", cover_width),
                PlaceholderSpec("pic", cover_picture, "Picture", rounded=not wide),
            ],
            is_cover=True,
        ),
        LayoutSpec("Title Slide", "title", [lone("ctrTitle", full), second("subTitle", full)], is_cover=True),
        LayoutSpec("Section", "secHead", [lone("title", full), second("body", full)], is_cover=True),
        LayoutSpec("Closing", "title", [lone("ctrTitle", full), second("subTitle", full)], is_cover=True),
        LayoutSpec("Title and Text", "obj", [title, body(MARGIN, full, "t", text_size)]),
        LayoutSpec("Text and Picture", "cust", [title, body(MARGIN, text_wide, "ctr", text_size), picture(right)]),
        LayoutSpec(
            "Picture and Text",
            "cust",
            [title, body(MARGIN + frame + gap, text_wide, "ctr", text_size), picture(MARGIN)],
        ),
        LayoutSpec(
            "Two Columns",
            "twoObj",
            [title, body(MARGIN, half, "t", column_size), body(second_column, half, "t", column_size)],
        ),
        LayoutSpec(
            "Comparison",
            "twoTxTwoObj",
            [
                title,
                heading(MARGIN),
                body(MARGIN, half, "t", column_size, 2.7),
                heading(second_column),
                body(second_column, half, "t", column_size, 2.7),
            ],
        ),
        LayoutSpec("Table", "tbl", [title, PlaceholderSpec("tbl", (MARGIN, top, full, height), "Table")]),
        LayoutSpec("Chart", "chart", [title, PlaceholderSpec("chart", (MARGIN, top, full, height), "Chart")]),
        LayoutSpec(
            "Chart and Text",
            "chartAndTx",
            [
                title,
                PlaceholderSpec("chart", (MARGIN, top, chart_width, height), "Chart"),
                body(beside, width - MARGIN - beside, "ctr", column_size),
            ],
        ),
        LayoutSpec(
            "Quote",
            "cust",
            [
                title,
                PlaceholderSpec("body", (MARGIN, top, full, 2.6), "Quote", anchor="b", level1=quote_size),
                PlaceholderSpec("body", (MARGIN, top + 2.8, full, 0.8), "Attribution", level1=by_size),
            ],
        ),
        LayoutSpec(
            "Title and Picture",
            "cust",
            [
                headline(full - big - gap),
                PlaceholderSpec("pic", (width - MARGIN - big, (HEIGHT_INCHES - big) / 2, big, big), "Picture"),
            ],
        ),
        LayoutSpec(
            "Full Picture",
            "cust",
            [headline(filling.box[0] - MARGIN - gap), filling],
            footer_right=filling.box[0] - gap,
        ),
        LayoutSpec("Title Only", "titleOnly", [headline(full)]),
    ]


def level1_style(attributes: str, size: int, color: str, *, no_bullet: bool = False) -> str:
    """Return the a:lvl1pPr of a placeholder: its size in hundredths of a point and its scheme color."""
    bullet = "<a:buNone/>" if no_bullet else ""
    margins = "marL='0' indent='0'" if no_bullet else ""
    fill = f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill>"
    return f"<a:lvl1pPr {margins}>{bullet}<a:defRPr sz='{size}' {attributes}>{fill}</a:defRPr></a:lvl1pPr>"
