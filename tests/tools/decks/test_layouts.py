"""What a slide holds decides its layout, in our themes and in templates that lack the layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml.ns import qn
from pptx.util import Mm

from seedx_sdk import InputError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import ChartData, ChartSeries, Outline, Quote, SlidePlan, TableData, check_deck, make_slides
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.designs import DESIGNS
from seedx_tools.decks.theme.layouts import deck_layouts
from seedx_tools.decks.theme.palettes import DeckTheme

RICH = """# The boat school
Lessons by the sea
## Agenda
# Where we stand
One year
## Boats
- Red
- Blue
## Two ways
### On land
- Knots
### At sea
- Steering
## Needs
- Boats

***

- Teachers
## Pupils
| Year | Pupils |
|---|---|
| 2024 | 41 |
| 2025 | 60 |
> Say it slowly.
## Income
```chart bar: Euro
Source,2024,2025
Lessons,12,19
Gifts,5,4
```
## Growth
- Up
```chart line
Year,Pupils
2024,41
2025,60
```
## Shares
```chart pie
What,Share
Boats,30
Teachers,70
```
## A pupil
"I was afraid of the wind." -- Ada
## A look ahead
![a green tree](draw)
## Sources
- Our own books
## Thank you
Questions?
"""
LAYOUTS = [
    "Title Slide with Picture",
    "Title and Text",
    "Section",
    "Text and Picture",
    "Comparison",
    "Two Columns",
    "Table",
    "Chart",
    "Chart and Text",
    "Chart",
    "Quote",
    "Title and Picture",
    "Title and Text",
    "Closing",
]


@pytest.mark.parametrize(
    ("theme", "size"),
    [("paper", "16:9"), ("ink", "4:3"), ("night", "16:9"), ("board", "4:3"), ("studio", "16:9"), ("paper", "4:3")],
)
def test_every_kind_of_slide_gets_its_layout_and_passes_the_check(
    seedx: SeedX, tmp_path: Path, theme: DeckTheme, size: DeckSize
) -> None:
    deck = make_slides(seedx, RICH, path=tmp_path / "deck.pptx", theme=theme, size=size)
    slides = list(Presentation(str(deck.path)).slides)
    assert [slide.slide_layout.name for slide in slides] == LAYOUTS
    assert check_deck(deck.path).findings == ()
    assert deck.warnings == ()
    for slide in slides:
        assert (
            slide.slide_layout.name in ("Section", "Closing")
            or "Title Slide" in slide.slide_layout.name
            or (slide.element.find(f".//{qn('a:fld')}").get("type") == "slidenum")
        )
    assert [made.title for made in deck.slides] == [slide.shapes.title.text_frame.text for slide in slides]


@pytest.mark.parametrize("size", ["16:9", "4:3"])
def test_nothing_lies_on_a_picture_that_fills_its_side(seedx: SeedX, tmp_path: Path, size: DeckSize) -> None:
    full = SlidePlan(title="A boat", picture="a red boat", picture_side="full")
    outline = Outline(title="Everything that we know about boats and the sea, and a little more", slides=(full,))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", size=size)
    assert Presentation(str(deck.path)).slides[1].slide_layout.name == "Full Picture"
    assert check_deck(deck.path).findings == ()


def test_a_column_heading_that_is_shortened_is_in_the_notes(seedx: SeedX, tmp_path: Path) -> None:
    heading = "A very long heading " * 15
    deck = make_slides(
        seedx, f"# D\n## S\n### {heading}\n- a\n### B\n- b\n", path=tmp_path / "deck.pptx", pictures=False
    )
    assert deck.warnings == ("slide 2: a column's heading was shortened; the full heading is in the notes",)
    assert Presentation(str(deck.path)).slides[1].notes_slide.notes_text_frame.text == heading.strip()
    assert check_deck(deck.path).findings == ()


def test_the_alt_text_of_a_chart_reads_out_its_figures(seedx: SeedX, tmp_path: Path) -> None:
    outline = "# D\n## S\n```chart bar\nyear,euro\n2024,1234567\n2025,0.5\n```\n"
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx")
    (chart,) = (shape for shape in Presentation(str(deck.path)).slides[1].shapes if shape.has_chart)
    assert chart._element.nvGraphicFramePr.cNvPr.get("descr") == "Bar chart. euro: 2024 1234567, 2025 0.5."


def test_tables_and_charts_are_native_and_stand_in_their_placeholders(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, RICH, path=tmp_path / "deck.pptx", pictures=False)
    slides = list(Presentation(str(deck.path)).slides)
    table = next(shape for shape in slides[6].placeholders if shape.has_table)
    assert [[cell.text for cell in row.cells] for row in table.table.rows] == [
        ["Year", "Pupils"],
        ["2024", "41"],
        ["2025", "60"],
    ]
    assert table._element.nvGraphicFramePr.cNvPr.get("descr") == "Table of 2 rows. Columns: Year, Pupils."
    assert slides[6].notes_slide.notes_text_frame.text == "Say it slowly."
    charts = [next(shape for shape in slides[number].placeholders if shape.has_chart) for number in (7, 8, 9)]
    assert [chart.chart.chart_type for chart in charts] == [
        XL_CHART_TYPE.COLUMN_CLUSTERED,
        XL_CHART_TYPE.LINE_MARKERS,
        XL_CHART_TYPE.PIE,
    ]
    plot = charts[0].chart.plots[0]
    assert list(plot.categories) == ["Lessons", "Gifts"]
    assert [(series.name, series.values) for series in plot.series] == [("2024", (12.0, 5.0)), ("2025", (19.0, 4.0))]
    assert charts[0]._element.nvGraphicFramePr.cNvPr.get("descr") == (
        "Bar chart: Euro. 2024: Lessons 12, Gifts 5. 2025: Lessons 19, Gifts 4."
    )
    assert charts[0].chart.part.chart_workbook.xlsx_part is not None
    for slide in slides[6:10]:
        assert "srgbClr" not in slide.element.xml


def test_a_long_table_goes_on_with_its_headings(seedx: SeedX, tmp_path: Path) -> None:
    rows = tuple((str(number), f"what happened in the year {number}") for number in range(24))
    plan = SlidePlan(title="Years", table=TableData(header=("Year", "What"), rows=rows), bullets=("And so on",))
    deck = make_slides(seedx, Outline(title="T", slides=(plan,)), path=tmp_path / "deck.pptx")
    slides = list(Presentation(str(deck.path)).slides)[1:]
    tables = [shape.table for slide in slides for shape in slide.shapes if shape.has_table]
    assert len(tables) > 1
    assert all(table.cell(0, 1).text == "What" for table in tables)
    assert sum(len(table.rows) - 1 for table in tables) == 24
    assert "And so on" in [shape.text_frame.text for shape in slides[-1].placeholders if shape.has_text_frame]
    assert any("its table is too large for one slide" in warning for warning in deck.warnings)
    assert check_deck(deck.path).findings == ()


def test_long_words_everywhere_are_fitted_and_nothing_gets_too_small(seedx: SeedX, tmp_path: Path) -> None:
    long = "words that go on and on " * 15
    chart = ChartData(kind="bar", categories=("a",), series=(ChartSeries(name="s", values=(1,)),))
    slides = (
        SlidePlan(title="Section", kind="section", bullets=(long,)),
        SlidePlan(title="Q", quote=Quote(text=long * 2, by="Somebody")),
        SlidePlan(title="C", columns=({"heading": long, "bullets": [long] * 3}, {"heading": "b", "bullets": ["x"]})),
        SlidePlan(title="Chart", chart=chart, bullets=(long, long)),
        SlidePlan(title="End", kind="closing", bullets=(long,)),
    )
    outline = Outline(
        title="T", subtitle=long, picture="a red boat", slides=slides, sources=(long, long), agenda="Agenda"
    )
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", size="4:3")
    assert check_deck(deck.path).findings == ()
    assert any("the quote was shortened" in warning for warning in deck.warnings)
    assert any("slide 1: the line under its title was shortened" in warning for warning in deck.warnings)


def _template(
    path: Path, *, keep: tuple[str, ...] | None = None, size: tuple[int, int] | None = None, rtl: bool = False
) -> Path:
    """python-pptx's own template: some of its layouts only, another page, right to left."""
    file = Presentation()
    for layout in list(file.slide_layouts):
        if keep is not None and layout.name not in keep:
            file.slide_layouts.remove(layout)
    if size is not None:
        assert file.slide_width is not None and file.slide_height is not None
        wide, high = Mm(size[0]) / file.slide_width, Mm(size[1]) / file.slide_height
        for sheet in (file.slide_master, *file.slide_layouts):
            for transform in sheet.element.iter(qn("a:xfrm")):
                for child, names in ((transform[0], ("x", "y")), (transform[1], ("cx", "cy"))):
                    for name, share in zip(names, (wide, high), strict=True):
                        child.set(name, str(round(int(child.get(name)) * share)))
        file.slide_width, file.slide_height = Mm(size[0]), Mm(size[1])
    if rtl:
        for level in file.slide_master.element.find(qn("p:txStyles")).iter(qn("a:lvl1pPr"), qn("a:lvl2pPr")):
            level.set("rtl", "1")
            level.set("algn", "r")
    file.save(str(path))
    return path


@pytest.mark.parametrize(
    ("keep", "size"),
    [
        (None, None),
        (("Title and Content",), None),
        (("Title Slide", "Title and Content", "Title Only"), None),
        (None, (297, 210)),
        (None, (210, 297)),
        (("Title Slide", "Two Content"), (338, 190)),
    ],
)
def test_templates_that_lack_layouts_or_have_other_pages_hold_everything(
    seedx: SeedX, tmp_path: Path, keep: tuple[str, ...] | None, size: tuple[int, int] | None
) -> None:
    template = _template(tmp_path / "template.pptx", keep=keep, size=size)
    deck = make_slides(seedx, RICH, path=tmp_path / "deck.pptx", template=template)
    slides = list(Presentation(str(deck.path)).slides)
    text = [shape.text_frame.text for slide in slides for shape in slide.shapes if shape.has_text_frame]
    for words in ("Lessons by the sea", "\u2014 Ada", "Knots", "Steering", "Our own books", "Questions?"):
        assert any(words in one for one in text) or any(
            words in slide.notes_slide.notes_text_frame.text for slide in slides if slide.has_notes_slide
        ), words
    assert sum(shape.has_table for slide in slides for shape in slide.shapes) == 1
    assert sum(shape.has_chart for slide in slides for shape in slide.shapes) == 3
    own_look = {"low_contrast"}  # the grey of this template's footers is too pale, which is the template's own
    assert [finding for finding in check_deck(deck.path).findings if finding.kind not in own_look] == []


HEBREW = (
    "# \u05d1\u05d9\u05ea \u05d4\u05e1\u05e4\u05e8\n## \u05dc\u05de\u05d4\n"
    "- \u05d4\u05d9\u05dd \u05e7\u05e8\u05d5\u05d1\n- \u05d4\u05e7\u05d9\u05e5\n"
)


def test_text_that_runs_right_to_left_says_so(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, HEBREW, path=tmp_path / "deck.pptx", pictures=False)
    body = next(
        shape
        for shape in Presentation(str(deck.path)).slides[1].placeholders
        if shape.placeholder_format.type == PH.BODY
    )
    assert [(p._p.pPr.get("rtl"), p._p.pPr.get("algn")) for p in body.text_frame.paragraphs] == [("1", "r")] * 2
    assert check_deck(deck.path).findings == ()


def test_columns_and_tables_of_text_that_runs_right_to_left_begin_at_the_right(seedx: SeedX, tmp_path: Path) -> None:
    alef, bet = "\u05d0", "\u05d1"
    outline = (
        f"# {alef}\n## {alef}\n- {alef}\n\n***\n\n- {bet}\n## {bet}\n| {alef} | {bet} |\n|---|---|\n| {alef} | 7 |\n"
    )
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    columns, numbers = list(Presentation(str(deck.path)).slides)[1:]
    lefts = {shape.text_frame.text: shape.left for shape in columns.placeholders if shape.text_frame.text}
    assert lefts[bet] < Presentation(str(deck.path)).slide_width / 2 <= lefts[alef] + 914400
    (table,) = (shape.table for shape in numbers.shapes if shape.has_table)
    assert table._tbl.tblPr.get("rtl") == "1" and table.cell(0, 0).text == alef
    directions = [table.cell(1, column).text_frame.paragraphs[0]._p.pPr for column in (0, 1)]
    assert [None if found is None else found.get("rtl") for found in directions] == ["1", None]
    assert check_deck(deck.path).findings == ()


def test_a_slide_that_holds_more_than_one_can_show_continues(seedx: SeedX, tmp_path: Path) -> None:
    outline = (
        "# Boats\n## Sail or row\n### Sail\n- quiet\n### Row\n- steady\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```chart pie\nwho,share\nus,3\nthem,7\n```\n\n> Said once.\n"
    )
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    slides = list(Presentation(str(deck.path)).slides)[1:]
    titles = [slide.shapes.title.text_frame.text for slide in slides]
    assert titles == ["Sail or row (1/3)", "Sail or row (2/3)", "Sail or row (3/3)"]
    assert "quiet" in [shape.text_frame.text for shape in slides[0].placeholders]
    assert [any(shape.has_table for shape in slide.shapes) for slide in slides] == [False, True, False]
    assert [any(shape.has_chart for shape in slide.shapes) for slide in slides] == [False, False, True]
    assert [slide.has_notes_slide and "Said once." in slide.notes_slide.notes_text_frame.text for slide in slides] == [
        True,
        False,
        False,
    ]
    assert "slide 2: its content does not fit on one slide; it continues on 2 more" in deck.warnings


def test_a_right_to_left_template_keeps_its_own_direction(seedx: SeedX, tmp_path: Path) -> None:
    template = _template(tmp_path / "template.pptx", rtl=True)
    deck = make_slides(seedx, HEBREW, path=tmp_path / "deck.pptx", template=template, pictures=False)
    slide = Presentation(str(deck.path)).slides[1]
    assert "rtl=" not in slide.element.xml
    assert {finding.kind for finding in check_deck(deck.path).findings} <= {"low_contrast"}


def test_picture_files_and_csv_files_come_from_one_folder(tmp_path: Path, seedx: SeedX) -> None:
    (tmp_path / "files").mkdir()
    Image.new("RGB", (80, 60), "green").save(tmp_path / "files" / "green.png")
    Image.new("RGB", (80, 60), "red").save(tmp_path / "secret.png")
    (tmp_path / "files" / "shares.csv").write_text("What;Share\nA;30\nB;70\n")
    text = (
        "# T\n![](none)\n## Green\n![A green field](green.png)\n## Shares\n![pie: Shares](shares.csv)\n"
        "## Secret\n![a red boat](../secret.png)\n## Gone\n- x\n![](none)\n![](gone.csv)\n"
    )
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", files=tmp_path / "files")
    slides = list(Presentation(str(deck.path)).slides)
    picture = next(shape for shape in slides[1].shapes if shape.element.tag == qn("p:pic"))
    assert picture._element.nvPicPr.cNvPr.get("descr") == "A green field"
    green = deck.slides[1].picture
    assert green is not None and green.getpixel((5, 5)) == (0, 128, 0)
    assert deck.slides[1].picture_prompt is None
    assert next(shape for shape in slides[2].shapes if shape.has_chart).chart.plots[0].series[0].values == (30.0, 70.0)
    prompt = deck.slides[3].picture_prompt
    assert prompt is not None and prompt.startswith("a red boat")
    assert any("'../secret.png' is outside the directory" in warning for warning in deck.warnings)
    assert any("'gone.csv' cannot be read (No such file or directory)" in warning for warning in deck.warnings)


def test_no_file_is_read_unless_a_folder_is_given(
    seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (80, 60), "green").save("green.png")
    deck = make_slides(seedx, "# T\n## S\n![a red boat](green.png)\n", path="deck.pptx")
    prompt = deck.slides[1].picture_prompt
    assert prompt is not None and prompt.startswith("a red boat")
    assert any("pass files= with the directory of 'green.png'" in warning for warning in deck.warnings)


def test_a_files_folder_that_does_not_exist_is_refused(seedx: SeedX, engine: ScriptedEngine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a directory"):
        make_slides(seedx, "# T\n", path=tmp_path / "deck.pptx", files=tmp_path / "none")
    assert engine.requests == []


def test_a_theme_beside_a_template_is_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    template = _template(tmp_path / "template.pptx")
    deck = make_slides(seedx, "# T\n", path=tmp_path / "deck.pptx", template=template, theme="night")
    assert "the template sets the design; the theme 'night' was ignored" in deck.warnings


def test_themes_differ_in_more_than_color() -> None:
    assert list(DESIGNS) == ["paper", "ink", "night", "board", "studio"]
    designs = list(DESIGNS.values())
    for page in (13.333, 10.0):
        layouts = [{layout.name: layout for layout in deck_layouts(page, design)} for design in designs]
        titles = {layout["Title and Text"].placeholders[0].box for layout in layouts}
        bodies = {layout["Title and Text"].placeholders[1].box for layout in layouts}
        covers = {repr(layout["Title Slide"].shapes) for layout in layouts}
        decorations = {repr(design.page_shapes(page)) for design in designs}
        assert [len(found) for found in (titles, bodies, covers, decorations)] == [5, 5, 5, 5]
    assert len({design.palette.title_font for design in designs}) == 5
