from __future__ import annotations

import pytest
from pydantic import ValidationError

from seedx_tools import ChartData, ChartSeries, Column, Outline, OutlinePlanner, Quote, SlidePlan, TableData

MARKDOWN = """# The *boat* school
By the sea

## Why
- first point
- second with `code` and [a link](https://example.org)
    - nested
> Say hello.

Notes: and smile

## Who
![a red boat](draw)

1. one
2. two

<!-- Notes: a comment -->

## Nothing
![](none)
"""


def test_markdown_becomes_slides_bullets_pictures_and_notes():
    outline = OutlinePlanner().plan(MARKDOWN, None)
    assert outline == Outline(
        title="The boat school",
        subtitle="By the sea",
        slides=(
            SlidePlan(
                title="Why",
                bullets=("first point", "second with code and a link", "\tnested"),
                notes="Say hello.\nand smile",
            ),
            SlidePlan(title="Who", bullets=("1. one", "2. two"), picture="a red boat", notes="a comment"),
            SlidePlan(title="Nothing", picture=""),
        ),
    )


def test_what_markdown_slides_cannot_hold_is_a_warning():
    text = "# T\n\n## S\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n| 3 |\n\n```\ncode\n```\n\n<div>x</div>\n"
    outline = OutlinePlanner().plan(text, None)
    assert outline.slides[0].table == TableData(header=("a", "b"), rows=(("1", "2"),))
    assert outline.slides[0].bullets == ("c", "3", "code")
    assert len(outline.warnings) == 3
    assert all(warning.startswith("slide 'S': ") for warning in outline.warnings)


def _slide(body):
    outline = OutlinePlanner().plan(f"# T\n\n## S\n{body}\n", None)
    assert outline.warnings == ()
    return outline.slides[0]


def test_markdown_charts_and_tables_from_csv():
    chart = _slide("- up\n\n```chart line: Pupils\nYear;Boys;Girls\n2024;1,000;12.5\n2025;30;-4 %\n```")
    assert chart.bullets == ("up",)
    assert chart.chart == ChartData(
        kind="line",
        title="Pupils",
        categories=("2024", "2025"),
        series=(ChartSeries(name="Boys", values=(1000, 30)), ChartSeries(name="Girls", values=(12.5, -4))),
    )
    assert _slide('```csv\na,b\n"x, y"\n```').table == TableData(header=("a", "b"), rows=(("x, y", ""),))
    assert _slide("![pie: Shares](shares.csv)").chart == ChartData(kind="pie", title="Shares", csv="shares.csv")
    assert _slide("![](rows.csv)").table == TableData(csv="rows.csv")


def test_a_block_that_is_no_chart_becomes_points_with_the_reason():
    outline = OutlinePlanner().plan("# T\n## S\n```chart bar\nYear,Pupils\n2024,many\n```\n", None)
    assert outline.slides[0].bullets == ("Year,Pupils", "2024,many")
    assert "line 2, column 2: 'many' is not a number" in outline.warnings[0]


def test_markdown_columns_quotes_and_picture_files():
    comparison = _slide("### Left\n- a\n### Right\n- b\n- c")
    assert comparison.columns == (Column(heading="Left", bullets=("a",)), Column(heading="Right", bullets=("b", "c")))
    assert _slide("- a\n\n***\n\n- b").columns == (Column(bullets=("a",)), Column(bullets=("b",)))
    assert _slide("### One\n- a").bullets == ("One", "\ta")
    assert _slide('"It floats." -- Ada').quote == Quote(text="It floats.", by="Ada")
    picture = _slide("![a red boat](boat.jpg)")
    assert (picture.picture, picture.picture_file) == ("a red boat", "boat.jpg")


def test_sections_agenda_sources_and_closing():
    text = (
        "# T\n## Agenda\n# One\nfirst\n## A\n- a\n# Two\n## B\n"
        "## References\n- [Book](https://b.example)\n## Thank you\nBye\n"
    )
    outline = OutlinePlanner().plan(text, None)
    assert [(slide.title, slide.kind) for slide in outline.slides] == [
        ("One", "section"),
        ("A", "content"),
        ("Two", "section"),
        ("B", "content"),
        ("Thank you", "closing"),
    ]
    assert [(slide.title, slide.bullets) for slide in outline.all_slides()] == [
        ("Agenda", ("One", "Two")),
        ("One", ("first",)),
        ("A", ("a",)),
        ("Two", ()),
        ("B", ()),
        ("References", ("Book (https://b.example)",)),
        ("Thank you", ("Bye",)),
    ]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: TableData(header=("a", "b"), rows=(("1",),)), "row 1 has 1 cells and the header 2"),
        (lambda: TableData(), "either a header with rows or the name of a csv file"),
        (lambda: TableData(header=("a",), csv="x.csv"), "either a header"),
        (lambda: ChartData(kind="bar"), "either series with categories or the name of a csv file"),
        (
            lambda: ChartData(kind="bar", categories=("a",), series=(ChartSeries(name="s", values=(1, 2)),)),
            "series 's' has 2 values for 1 categories",
        ),
        (
            lambda: ChartData(kind="pie", categories=("a",), series=(ChartSeries(name="s", values=(-1,)),)),
            "cannot show negative values",
        ),
        (lambda: ChartSeries(name="s", values=(float("nan"),)), "finite"),
        (lambda: SlidePlan(title="t", columns=(Column(bullets=()),)), "two columns or none, not 1"),
    ],
)
def test_structured_content_that_no_slide_can_show_is_refused(make, told):
    with pytest.raises(ValidationError, match=told):
        make()


def test_an_outline_keeps_its_own_number_of_slides():
    outline = OutlinePlanner().plan("# A\n## B\n## C\n", 6)
    assert len(outline.slides) == 2
    assert outline.warnings == ("the outline has 3 slides, so 6 slides were not made: add or remove headings",)


def test_a_list_without_headings_is_an_outline():
    outline = OutlinePlanner().plan("Trees\n\n- oak\n- beech\n", None)
    assert outline.title == "Trees"
    assert outline.slides == (SlidePlan(title="Trees", bullets=("oak", "beech")),)


def test_a_prompt_is_set_out_in_its_own_words_and_says_so():
    outline = OutlinePlanner().plan("A four-slide talk about boats: they float, they sail, and they sink", None)
    assert outline.title == "A talk about boats"
    assert [slide.title for slide in outline.slides] == ["They float", "They sail", "They sink"]
    assert outline.warnings == (
        "planned without a language model: the slides hold the prompt's own words and nothing else",
    )


def test_a_prompt_with_few_words_gets_headings_and_a_warning():
    outline = OutlinePlanner().plan("Make a presentation about dragons", 4)
    assert outline.title == "Dragons"
    assert [slide.title for slide in outline.slides] == ["Why it matters", "Who it is for", "Next steps"]
    assert all(not slide.bullets and slide.notes.endswith("?") for slide in outline.slides)
    assert "slides 2 to 4 have a heading only" in outline.warnings[1]


def test_a_prompt_with_many_sentences_shares_them_out():
    outline = OutlinePlanner().plan("Boats. One is red. Two are blue. Three are green. Four sank.", 3)
    assert [slide.bullets for slide in outline.slides] == [
        ("One is red", "Two are blue"),
        ("Three are green", "Four sank"),
    ]


def test_a_prompt_in_another_script_keeps_its_words():
    outline = OutlinePlanner().plan("\u8239\u306e\u5b66\u6821", 2)
    assert outline.title == "\u8239\u306e\u5b66\u6821"


def test_the_schema_for_language_models_does_not_ask_for_warnings():
    assert "warnings" not in Outline.model_json_schema()["properties"]
