"""Native charts: what PowerPoint edits, with gaps, dates, units and directions."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openpyxl")

from openpyxl import load_workbook
from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides
from seedx_tools.decks.data.kinds import CHART_KINDS
from seedx_tools.decks.ooxml.chart_data import chart_data_of
from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.ooxml.styles import scheme_color
from seedx_tools.decks.outline import ChartData, ChartSeries, Outline, SlidePlan
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.results import Deck
from seedx_tools.decks.theme.palettes import DeckTheme

AXIS_ORDER = (
    ("axId", "scaling", "delete", "axPos", "majorGridlines", "minorGridlines", "title", "numFmt", "majorTickMark")
    + ("minorTickMark", "tickLblPos", "spPr", "txPr", "crossAx", "crosses", "crossesAt", "crossBetween", "auto")
    + ("lblAlgn", "lblOffset", "baseTimeUnit", "majorUnit", "majorTimeUnit", "tickLblSkip", "tickMarkSkip")
    + ("noMultiLvlLbl",)
)
"""The children of an axis in the order of ECMA-376 part 1, 21.2.2."""


def made(seedx: SeedX, path: Path, *charts: ChartData | str, **more: Any) -> tuple[Deck, list[Any]]:
    """Return a deck of charts, given as data or as the Markdown of a block, and its native charts."""
    if isinstance(charts[0], str):
        text = "# T\n" + "".join(f"\n## Slide {number}\n{block}\n" for number, block in enumerate(charts, start=1))
        deck = make_slides(seedx, text, path=path, pictures=False, **more)
    else:
        slides = tuple(SlidePlan(title=f"S{n}", chart=chart, picture="") for n, chart in enumerate(charts))
        deck = make_slides(seedx, Outline(title="T", slides=slides), path=path, pictures=False, **more)
    shapes = [shape for slide in Presentation(str(path)).slides for shape in slide.shapes]
    return deck, [shape.chart for shape in shapes if shape.has_chart]


def test_every_kind_is_native_in_schema_order_and_reads_back(seedx: SeedX, tmp_path: Path) -> None:
    series = (
        ChartSeries(name="A", values=(4, None, 6)),
        ChartSeries(name="B", values=(3, 2, 1)),
    )
    charts = [
        ChartData(
            kind=kind,
            categories=("1", "2", "3") if kind == "scatter" else ("x", "y", "z"),
            series=series[:1] if kind in ("pie", "doughnut") else series,
        )
        for kind in CHART_KINDS
    ]
    deck, natives = made(seedx, tmp_path / "deck.pptx", *charts)
    assert deck.warnings == ()
    for chart, native in zip(charts, natives, strict=True):
        found = chart_data_of(native)
        if chart.kind != "scatter":  # a point without a number is no point
            assert found == chart
        for axis in native._chartSpace.iter(qn("c:catAx"), qn("c:valAx"), qn("c:dateAx")):
            places = [AXIS_ORDER.index(child.tag.split("}")[1]) for child in axis]
            assert places == sorted(places)
        assert native._chartSpace.chart.find(qn("c:dispBlanksAs")).get("val") == "gap"
    assert check_deck(deck.path).ok
    sheet: Any = load_workbook(BytesIO(natives[0].part.chart_workbook.xlsx_part.blob)).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        [None, "A", "B"],
        ["x", 4, 3],
        ["y", None, 2],
        ["z", 6, 1],
    ]


def test_a_chart_of_two_units_has_bars_and_a_line_on_two_axes(seedx: SeedX, tmp_path: Path) -> None:
    block = '```chart bar\nYear,Revenue (EUR m),Margin\n2024,"1.240,5","12,5%"\n2025,"1.402,7","11,9%"\n```'
    deck, (native,) = made(seedx, tmp_path / "deck.pptx", block)
    assert "two axes" in deck.warnings[0]
    assert [type(plot).__name__ for plot in native.plots] == ["BarPlot", "LinePlot"]
    assert [list(plot.series[0].values) for plot in native.plots] == [[1240.5, 1402.7], [12.5, 11.9]]
    first, second = native._chartSpace.findall(f".//{qn('c:valAx')}")
    assert first.find(f"{qn('c:scaling')}/{qn('c:min')}").get("val") in ("0", "0.0")
    assert second.find(qn("c:numFmt")).get("formatCode") == 'General"%"'
    titles = ["".join(text.text for text in axis.iter(qn("a:t"))) for axis in (first, second)]
    assert titles == ["Revenue (EUR m)", "Margin"]


def test_days_have_a_date_axis_with_a_few_labels(seedx: SeedX, tmp_path: Path) -> None:
    days = "".join(f"{day:02}.{month:02}.2026,{day}\n" for month in (1, 2, 3) for day in range(1, 29))
    block = f"```chart line\nDay,Visits\n{days}```"
    bars = "```chart bar\nDay,Visits\n2026-01-05,3\n2026-01-12,4\n```"  # a week apart: bars on a date axis are too thin
    _, (line, bar) = made(seedx, tmp_path / "deck.pptx", block, bars)
    axis = line._chartSpace.find(f".//{qn('c:dateAx')}")
    assert (axis.find(qn("c:majorUnit")).get("val"), axis.find(qn("c:majorTimeUnit")).get("val")) == ("14", "days")
    assert bar._chartSpace.find(f".//{qn('c:dateAx')}") is None
    found = chart_data_of(line)
    assert found is not None and found.categories[0] == "2026-01-01" and len(found.categories) == 84


@pytest.mark.parametrize(("kind", "low"), [("bar", True), ("horizontal bar", True), ("line", True), ("column", False)])
def test_labels_stay_clear_of_negative_bars(seedx: SeedX, tmp_path: Path, kind: str, low: bool) -> None:
    value = -2 if low else 2
    _, (native,) = made(seedx, tmp_path / "deck.pptx", f"```chart {kind}\na,n\nx,5\ny,{value}\n```")
    places = [place.get("val") for place in native._chartSpace.findall(f".//{qn('c:catAx')}/{qn('c:tickLblPos')}")]
    assert places == ["low" if low else "nextTo"]


def test_horizontal_bars_start_at_the_top_and_right_to_left_charts_at_the_right(seedx: SeedX, tmp_path: Path) -> None:
    blocks = (
        "```chart horizontal bar\na,n\nx,5\ny,2\n```",
        "```chart line\n\u0641\u0631\u0639,\u0642\n\u062c\u062f\u0629,5\n\u0627\u0628,2\n```",
    )
    _, natives = made(seedx, tmp_path / "deck.pptx", *blocks)
    for native in natives:
        axis = native._chartSpace.find(f".//{qn('c:catAx')}")
        assert axis.find(f"{qn('c:scaling')}/{qn('c:orientation')}").get("val") == "maxMin"
    assert natives[0]._chartSpace.find(f".//{qn('c:valAx')}/{qn('c:crosses')}").get("val") == "max"


def test_numbers_are_written_at_bars_only_where_there_is_room(seedx: SeedX, tmp_path: Path) -> None:
    few, many = ("".join(f"p{n},{n * 1000}\n" for n in range(1, count)) for count in (5, 40))
    _, natives = made(seedx, tmp_path / "deck.pptx", *(f'```chart bar\na,"n, $"\n{rows}```' for rows in (few, many)))
    assert [native.plots[0].has_data_labels for native in natives] == [True, False]
    assert natives[0].plots[0].data_labels.number_format == "#,##0"


def test_a_source_stands_under_its_figures(seedx: SeedX, tmp_path: Path) -> None:
    text = (
        "# T\n## One\n```chart bar\na,n\nx,5\n```\nSource: annual report\n"
        "## Two\n| a | b |\n|---|---|\n| 1 | 2 |\nSource: survey\n## Three\n- Source: talk\n"
    )
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", pictures=False)
    _, one, two, three = Presentation(str(deck.path)).slides
    for slide, source in ((one, "Source: annual report"), (two, "Source: survey")):
        (box,) = (shape for shape in slide.shapes if shape.name == "Source")
        (figure,) = (shape for shape in slide.shapes if shape.has_chart or shape.has_table)
        assert box.text_frame.text == source
        assert figure.top + figure.height <= box.top
        assert (read_slide(slide).source, read_slide(slide).bullets) == (source, ())
    assert [shape.name for shape in three.shapes if shape.name == "Source"] == []
    assert check_deck(deck.path).ok


def test_an_unknown_kind_becomes_a_table_and_a_warning_names_the_kinds(seedx: SeedX, tmp_path: Path) -> None:
    deck, natives = made(seedx, tmp_path / "deck.pptx", "```chart radar: Skills\na,n\nx,5\n```")
    assert natives == [] and deck.slides[1].bullets == ()
    assert "there is no 'radar' chart, so it became a table; the kinds are bar, horizontal bar" in deck.warnings[0]


def test_the_alt_text_tells_the_numbers_or_their_range(seedx: SeedX, tmp_path: Path) -> None:
    rows = "".join(f"{2000 + n},{n}%\n" for n in range(20))
    made(seedx, tmp_path / "deck.pptx", f"```chart stacked bar: T\nYear,Share\n{rows}2020,n/a\n```")
    shape = next(shape for shape in Presentation(str(tmp_path / "deck.pptx")).slides[1].shapes if shape.has_chart)
    assert shape._element.nvGraphicFramePr.cNvPr.get("descr") == (
        "Stacked bar chart: T. Share: 20 values from 2000 0% to 2019 19%, lowest 2000 0%, highest 2019 19%, "
        "1 without a value."
    )


def test_bars_with_their_numbers_have_no_scale_and_no_grid(seedx: SeedX, tmp_path: Path) -> None:
    few, many = ("".join(f"p{n},{n * 1000}\n" for n in range(1, count)) for count in (5, 40))
    _, natives = made(seedx, tmp_path / "deck.pptx", *(f"```chart bar\na,n (kg)\n{rows}```" for rows in (few, many)))
    axes = [native._chartSpace.find(f".//{qn('c:valAx')}") for native in natives]
    assert [axis.find(qn("c:majorGridlines")) is None for axis in axes] == [True, False]
    assert [axis.find(qn("c:tickLblPos")).get("val") for axis in axes] == ["none", "nextTo"]
    assert ["".join(text.text for text in axis.iter(qn("a:t"))) for axis in axes] == ["n (kg)"] * 2


def test_names_that_are_left_out_along_an_axis_are_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    blocks = [
        "```chart bar\nBranch,n\n" + "".join(f"Branch {n},{n}\n" for n in range(count)) + "```" for count in (30, 100)
    ]
    deck, natives = made(seedx, tmp_path / "deck.pptx", *blocks)
    axes = [native._chartSpace.find(f".//{qn('c:catAx')}") for native in natives]
    assert [axis.find(qn("c:tickLblSkip")).get("val") for axis in axes] == ["1", "2"]
    assert [axis.find(f"{qn('c:txPr')}/{qn('a:bodyPr')}").get("rot") for axis in axes] == ["-5400000"] * 2
    assert deck.warnings == (
        "slide 3: its chart has room for one in 2 of the 100 names along its axis; its data has all of them",
    )


def test_a_year_of_months_is_written_whole(seedx: SeedX, tmp_path: Path) -> None:
    rows = "".join(f"2026-{month:02},{month}\n" for month in range(1, 13))
    _, (native,) = made(seedx, tmp_path / "deck.pptx", f"```chart line\nMonth,n\n{rows}```")
    axis = native._chartSpace.find(f".//{qn('c:dateAx')}")
    assert (axis.find(qn("c:majorUnit")).get("val"), axis.find(qn("c:majorTimeUnit")).get("val")) == ("1", "months")
    assert axis.find(qn("c:numFmt")).get("formatCode") == "mmm \\'yy"


def test_slices_are_named_where_there_is_room(seedx: SeedX, tmp_path: Path) -> None:
    wide = "```chart pie\na,n\nGermany,45\nFrance,30\nRest,25\n```"
    thin = "```chart pie\na,n\nGermany,95\nFrance,3\nRest,2\n```"
    _, natives = made(seedx, tmp_path / "deck.pptx", wide, thin)
    assert [native.has_legend for native in natives] == [False, True]
    assert [native.plots[0].data_labels.show_category_name for native in natives] == [True, False]


def test_shares_of_a_hundred_are_written_as_percentages(seedx: SeedX, tmp_path: Path) -> None:
    blocks = (f"```chart percent stacked bar\na,x,y\n2024,{x},60\n2025,30,70\n```" for x in (40, 55))
    _, natives = made(seedx, tmp_path / "deck.pptx", *blocks)
    assert [native.plots[0].data_labels.number_format for native in natives] == ['#,##0"%"', "#,##0"]


@pytest.mark.parametrize("theme", ["paper", "ink", "night", "board", "studio"])
def test_numbers_in_bars_and_slices_can_be_read(seedx: SeedX, tmp_path: Path, theme: DeckTheme) -> None:
    blocks = ("```chart percent stacked bar\na,x,y,z\n2024,40,30,30\n```", "```chart doughnut\na,n\nx,5\ny,4\nz,3\n```")
    deck, natives = made(seedx, tmp_path / "deck.pptx", *blocks, theme=theme)
    slide = Presentation(str(deck.path)).slides[1]
    bars = [series.data_labels for series in natives[0].plots[0].series]
    slices = [natives[1].plots[0].series[0].points[number].data_label for number in range(3)]
    for labels in (bars, slices):
        for number, label in enumerate(labels, start=1):
            color = {"BACKGROUND_1": "bg1", "TEXT_1": "tx1"}[label.font.color.theme_color.name]
            assert contrast(scheme_color(slide, color), scheme_color(slide, f"accent{number}")) >= 3
    shown = [label._dLbl.find(qn("c:showPercent")).get("val") for label in slices]
    assert shown == ["1"] * 3
