"""The layouts of our own templates: which placeholders each has, and where. All lengths are inches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from seedx_tools.decks.theme.palettes import Palette

HEIGHT_INCHES = 7.5
MARGIN = 0.75
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height in inches."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A placeholder of a layout."""

    kind: str
    box: Box
    prompt: str
    anchor: str = "t"
    level1: str = ""
    """XML of the a:lvl1pPr that differs from the master's."""
    rounded: bool = True


@dataclass(frozen=True, slots=True)
class DeckLayout:
    """A layout: its name in PowerPoint, its type (ST_SlideLayoutType), and what it holds."""

    name: str
    kind: str
    holders: list[Holder]
    is_cover: bool = False
    """Whether it has the cover's ground and no footer."""
    footer_right: float | None = None
    """Where footer and slide number end, where a picture covers the master's places."""


def footer_boxes(right: float, width: float) -> dict[str, Box]:
    """The places of the footer and the slide number.

    Args:
        right: Where the slide number ends.
        width: Of the footer at most.
    """
    top, height, number = 6.92, 0.36, 1.2
    return {
        "ftr": (MARGIN, top, min(width, right - number - MARGIN), height),
        "sldNum": (right - number, top, number, height),
    }


def deck_layouts(width: float, palette: Palette) -> list[DeckLayout]:
    """The layouts of our templates on a page of this width in inches."""
    wide = width > 12
    full = width - 2 * MARGIN
    side = HEIGHT_INCHES if wide else 4.1
    cover_picture = (width - side, 0.0, side, side) if wide else (width - side - 0.6, 1.7, side, side)
    cover_width = cover_picture[0] - MARGIN - 0.5
    frame = 4.65 if wide else 3.7
    top, gap = 1.95, 0.5
    height = 6.6 - top
    words = full - frame - gap
    picture_top = top + (height - frame) / 2
    half = (full - gap) / 2
    big = 5.6 if wide else 4.0
    cover_size = level1_style("b='1'", 4400 if wide else 3400, palette.cover_text)
    second_size = level1_style("", 2000 if wide else 1800, palette.cover_second, no_bullet=True)
    words_size = level1_style("", 2400 if wide else 2000, "tx1")
    column_size = level1_style("", 2000 if wide else 1800, "tx1")
    head_size = level1_style("b='1'", 2000 if wide else 1800, "tx2", no_bullet=True)
    statement = level1_style("b='1'", 4000 if wide else 3200, "tx2")
    quote_size = level1_style("i='1'", 3200 if wide else 2600, "tx2", no_bullet=True)
    by_size = level1_style("", 2000 if wide else 1800, "tx1", no_bullet=True)

    def lone(kind: str, width: float) -> Holder:
        return Holder(kind, (MARGIN, 1.75, width, 2.2), "Title", anchor="b", level1=cover_size)

    def second(kind: str, width: float) -> Holder:
        return Holder(kind, (MARGIN, 4.25, width, 1.6), "Line under the title", level1=second_size)

    def body(left: float, width: float, anchor: str, level1: str, top: float = top) -> Holder:
        return Holder("body", (left, top, width, 6.6 - top), "Words", anchor=anchor, level1=level1)

    def picture(left: float) -> Holder:
        return Holder("pic", (left, picture_top, frame, frame), "Picture")

    def heading(left: float) -> Holder:
        return Holder("body", (left, top, half, 0.6), "Heading", anchor="b", level1=head_size)

    def headline(width: float) -> Holder:
        return Holder("title", (MARGIN, 1.2, width, 2.75), "Title", anchor="b", level1=statement)

    title = Holder("title", (MARGIN, 0.72, full, 0.95), "Title", anchor="ctr")
    right = width - MARGIN - frame
    second_column = MARGIN + half + gap
    chart_width = full * 0.62
    beside = MARGIN + chart_width + gap
    filling = Holder("pic", cover_picture if wide else (width - 4.6, 0.0, 4.6, HEIGHT_INCHES), "Picture", rounded=False)
    return [
        DeckLayout(
            "Title Slide with Picture",
            "title",
            [
                lone("ctrTitle", cover_width),
                second("subTitle", cover_width),
                Holder("pic", cover_picture, "Picture", rounded=not wide),
            ],
            is_cover=True,
        ),
        DeckLayout("Title Slide", "title", [lone("ctrTitle", full), second("subTitle", full)], is_cover=True),
        DeckLayout("Section", "secHead", [lone("title", full), second("body", full)], is_cover=True),
        DeckLayout("Closing", "title", [lone("ctrTitle", full), second("subTitle", full)], is_cover=True),
        DeckLayout("Title and Words", "obj", [title, body(MARGIN, full, "t", words_size)]),
        DeckLayout("Words and Picture", "cust", [title, body(MARGIN, words, "ctr", words_size), picture(right)]),
        DeckLayout(
            "Picture and Words", "cust", [title, body(MARGIN + frame + gap, words, "ctr", words_size), picture(MARGIN)]
        ),
        DeckLayout(
            "Two Columns",
            "twoObj",
            [title, body(MARGIN, half, "t", column_size), body(second_column, half, "t", column_size)],
        ),
        DeckLayout(
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
        DeckLayout("Table", "tbl", [title, Holder("tbl", (MARGIN, top, full, height), "Table")]),
        DeckLayout("Chart", "chart", [title, Holder("chart", (MARGIN, top, full, height), "Chart")]),
        DeckLayout(
            "Chart and Words",
            "chartAndTx",
            [
                title,
                Holder("chart", (MARGIN, top, chart_width, height), "Chart"),
                body(beside, width - MARGIN - beside, "ctr", column_size),
            ],
        ),
        DeckLayout(
            "Quote",
            "cust",
            [
                title,
                Holder("body", (MARGIN, top, full, 2.6), "Quote", anchor="b", level1=quote_size),
                Holder("body", (MARGIN, top + 2.8, full, 0.8), "Who said it", level1=by_size),
            ],
        ),
        DeckLayout(
            "Title and Picture",
            "cust",
            [
                headline(full - big - gap),
                Holder("pic", (width - MARGIN - big, (HEIGHT_INCHES - big) / 2, big, big), "Picture"),
            ],
        ),
        DeckLayout(
            "Full Picture",
            "cust",
            [headline(filling.box[0] - MARGIN - gap), filling],
            footer_right=filling.box[0] - gap,
        ),
        DeckLayout("Title Only", "titleOnly", [headline(full)]),
    ]


def level1_style(attributes: str, size: int, color: str, *, no_bullet: bool = False) -> str:
    """Return the a:lvl1pPr of a placeholder: its size in hundredths of a point and its scheme colour."""
    bullet = "<a:buNone/>" if no_bullet else ""
    margins = "marL='0' indent='0'" if no_bullet else ""
    fill = f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill>"
    return f"<a:lvl1pPr {margins}>{bullet}<a:defRPr sz='{size}' {attributes}>{fill}</a:defRPr></a:lvl1pPr>"
