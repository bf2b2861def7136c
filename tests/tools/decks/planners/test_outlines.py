"""Outlines from Markdown and from prompts: what becomes of each part, and what is named in warnings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from seedx_sdk import InputError, PromptError
from seedx_tools import ChartData, ChartSeries, Column, Outline, OutlinePlanner, Quote, SlidePlan, TableData
from seedx_tools.decks.outline import CodeBlock
from seedx_tools.decks.tables import chart_of, read_table

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


def test_markdown_becomes_slides_bullets_pictures_and_notes() -> None:
    outline = OutlinePlanner().plan(MARKDOWN, None)
    assert outline == Outline(
        title="The *boat* school",
        subtitle="By the sea",
        slides=(
            SlidePlan(
                title="Why",
                bullets=("first point", "second with `code` and [a link](https://example.org)", "\tnested"),
                notes="Say hello.\nand smile",
            ),
            SlidePlan(title="Who", bullets=("1. one", "2. two"), picture="a red boat", notes="a comment"),
            SlidePlan(title="Nothing", picture=""),
        ),
    )


def test_what_markdown_slides_cannot_hold_is_a_warning() -> None:
    text = "# T\n\n## S\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n| 3 |\n\n```\ncode\n```\n\n<div>x</div>\n"
    outline = OutlinePlanner().plan(text, None)
    assert outline.slides[0].table == TableData(header=("a", "b"), rows=(("1", "2"),))
    assert outline.slides[0].bullets == ("c", "3")
    assert outline.slides[0].code == CodeBlock(text="code\n")
    assert len(outline.warnings) == 2
    assert all(warning.startswith("slide 'S': ") for warning in outline.warnings)


def _slide(body: str) -> SlidePlan:
    outline = OutlinePlanner().plan(f"# T\n\n## S\n{body}\n", None)
    assert outline.warnings == ()
    return outline.slides[0]


def test_markdown_charts_and_tables_from_csv() -> None:
    chart = _slide("- up\n\n```chart line: Pupils\nYear;Boys;Girls\n2024;1,000;12.5\n2025;30;-4 %\n```")
    assert chart.bullets == ("up",)
    assert chart.chart == ChartData(
        kind="line",
        title="Pupils",
        categories=("2024", "2025"),
        series=(ChartSeries(name="Boys", values=(1000, 30)), ChartSeries(name="Girls", values=(12.5, -4), unit="%")),
    )
    assert _slide('```csv\na,b\n"x, y"\n```').table == TableData(header=("a", "b"), rows=(("x, y", ""),))
    assert _slide("![pie: Shares](shares.csv)").chart == ChartData(kind="pie", title="Shares", csv="shares.csv")
    assert _slide("![](rows.csv)").table == TableData(csv="rows.csv")


def test_a_block_that_is_no_chart_becomes_points_with_the_reason() -> None:
    outline = OutlinePlanner().plan("# T\n## S\n```chart bar\nYear,Pupils\n2024,many\n```\n", None)
    assert outline.slides[0].bullets == ("Year,Pupils", "2024,many")
    assert "line 2, column 2: 'many' is not a number" in outline.warnings[0]


def test_markdown_columns_quotes_and_picture_files() -> None:
    comparison = _slide("### Left\n- a\n### Right\n- b\n- c")
    assert comparison.columns == (Column(heading="Left", bullets=("a",)), Column(heading="Right", bullets=("b", "c")))
    assert _slide("- a\n\n***\n\n- b").columns == (Column(bullets=("a",)), Column(bullets=("b",)))
    assert _slide("### One\n- a").bullets == ("One", "\ta")
    assert _slide('"It floats." -- Ada').quote == Quote(text="It floats.", by="Ada")
    picture = _slide("![a red boat](boat.jpg)")
    assert (picture.picture, picture.picture_file) == ("a red boat", "boat.jpg")


def test_what_the_title_slide_has_no_place_for_is_on_a_slide_after_it() -> None:
    text = (
        "# T\nSub\n\n| a |\n|---|\n| 1 |\n\n```chart bar\nx,n\ny,1\n```\n\n"
        '"It floats." -- Ada\n\n![a boat](boat.jpg)\n\n> Hello\n\n## S\n'
    )
    outline = OutlinePlanner().plan(text, None)
    assert outline == Outline(
        title="T",
        subtitle="Sub",
        notes="Hello",
        slides=(
            SlidePlan(
                title="T",
                table=TableData(header=("a",), rows=(("1",),)),
                chart=ChartData(kind="bar", categories=("y",), series=(ChartSeries(name="n", values=(1,)),)),
                quote=Quote(text="It floats.", by="Ada"),
                picture="a boat",
                picture_file="boat.jpg",
            ),
            SlidePlan(title="S"),
        ),
        warnings=("title slide: it cannot show an image file; 'boat.jpg' is on the next slide",),
    )
    drawn = OutlinePlanner().plan("# T\n![a boat](draw)\n## S\n", None)
    assert (drawn.picture, [slide.title for slide in drawn.slides]) == ("a boat", ["S"])


def test_agenda_and_sources_that_hold_more_are_slides_like_others() -> None:
    text = "# T\n## Contents\n| a |\n|---|\n| 1 |\n## Sources\n- Book\n> Say it.\n## References\n- Map\n"
    outline = OutlinePlanner().plan(text, None)
    assert outline == Outline(
        title="T",
        slides=(
            SlidePlan(title="Contents", table=TableData(header=("a",), rows=(("1",),))),
            SlidePlan(title="Sources", bullets=("Book",), notes="Say it."),
        ),
        sources=("Map",),
        sources_title="References",
    )
    noted = OutlinePlanner().plan("# T\n## Agenda\n> Say it.\n## S\n", None)
    assert noted.slides == (SlidePlan(title="Agenda", notes="Say it."), SlidePlan(title="S"))
    assert noted.warnings == ("slide 'Agenda': it does not list the sections: it has notes or a picture",)


def test_a_second_one_of_what_a_slide_shows_once_leaves_the_first_and_is_told() -> None:
    text = (
        "# T\n## S\n```chart bar\na,n\nx,1\n```\n```chart pie\na,n\nx,2\n```\n```csv\na\nb\n```\n```csv\nc\nd\n```\n"
        '![bar](g.csv)\n![](h.csv)\n![red](a.png)\n![blue](draw)\n\n"A" -- B\n\n"C" -- D\n'
    )
    outline = OutlinePlanner().plan(text, None)
    assert outline.slides == (
        SlidePlan(
            title="S",
            bullets=("a,n", "x,2", "c", "d", '"C" -- D'),
            table=TableData(header=("a",), rows=(("b",),)),
            chart=ChartData(kind="bar", categories=("x",), series=(ChartSeries(name="n", values=(1,)),)),
            quote=Quote(text="A", by="B"),
            picture="red",
            picture_file="a.png",
        ),
    )
    assert outline.warnings == (
        "slide 'S': a block became plain points: a slide shows only one chart",
        "slide 'S': a block became plain points: a slide shows only one table",
        "slide 'S': 'g.csv' was left out: a slide shows only one chart",
        "slide 'S': 'h.csv' was left out: a slide shows only one table",
        "slide 'S': the picture 'blue' was left out: the model draws one picture for a slide",
        "slide 'S': a quote became a point: a slide shows only one quote",
    )


def test_code_and_tables_inside_a_list_are_read_as_elsewhere() -> None:
    text = "# T\n## S\n1. one\n\n   ```\n   x = 1\n   ```\n\n       y = 2\n\n   | a |\n   |---|\n   | b |\n2. two\n"
    outline = OutlinePlanner().plan(text, None)
    assert outline.slides[0].bullets == ("1. one", "2. two")
    assert outline.slides[0].code == CodeBlock(text="x = 1\n\ny = 2\n")
    assert outline.slides[0].table == TableData(header=("a",), rows=(("b",),))
    assert outline.warnings == ()


def test_each_paragraph_of_a_block_quote_is_a_line_of_the_notes() -> None:
    slide = _slide("> - first\n> - second\n>\n> 1. one\n> 2. two\n>\n> > inner\n>\n> ```\n> x = 1\n> ```")
    assert slide.notes == "first\nsecond\n1. one\n2. two\ninner\nx = 1"
    assert _slide("> | a | b |\n> |---|---|\n> | 1 | 2 |").notes == "a | b\n1 | 2"


def test_html_among_words() -> None:
    slide = _slide("- a<br>b <!-- Notes: say it --> List<String>\n\n| c<br/>d |\n|---|\n| e |")
    assert slide.bullets == ("a\vb List<String>",)
    assert slide.notes == "say it"
    assert slide.table == TableData(header=("c d",), rows=(("e",),))
    block = _slide("<!-- one --><!-- two --> Words\n\n<br>\nMore")
    assert (block.bullets, block.notes) == (("Words", "More"), "one\ntwo")


def test_links_stay_on_their_words_and_the_notes_have_those_that_no_slide_can_open() -> None:
    outline = OutlinePlanner().plan(
        "# T\nby [Ada](https://a.example)\n## A\n## On [**boats**](https://b.example)\n- <https://c.example>\n"
        "- [![](boat.png)](https://d.example)\n- [plan](plan.docx)\n> Hello\n",
        None,
    )
    assert (outline.subtitle, outline.notes) == ("by [Ada](https://a.example)", "")
    assert outline.slides == (
        SlidePlan(title="A"),
        SlidePlan(
            title="On [**boats**](https://b.example)",
            bullets=("[https://c.example](https://c.example)", "plan"),
            picture_file="boat.png",
            notes="Hello\nhttps://d.example\nplan: plan.docx",
        ),
    )


def test_rules_between_slides_make_no_columns() -> None:
    outline = OutlinePlanner().plan("# T\n\n---\n\n## A\n- a\n\n---\n\n## Sources\n- b\n\n---\n", None)
    assert outline == Outline(title="T", slides=(SlidePlan(title="A", bullets=("a",)),), sources=("b",))


def test_front_matter_may_give_the_title_and_the_rest_of_it_is_told() -> None:
    front = "---\ntitle: 'Boats'\nmarp: true\nstyle: |\n  # h1\ntags:\n- a\n---\n"
    outline = OutlinePlanner().plan(front + "Sailing\n\n## S\n- a\n", None)
    assert outline == Outline(
        title="Boats",
        subtitle="Sailing",
        slides=(SlidePlan(title="S", bullets=("a",)),),
        warnings=("title slide: the front matter was left out: marp, style, tags",),
    )
    other = OutlinePlanner().plan("---\r\ntitle: Boats\r\n---\r\n# Trees\r\n## S\r\n", None)
    assert other.title == "Trees"
    assert other.warnings == ("title slide: the front matter was left out: title",)
    ruled = OutlinePlanner().plan("---\n# T\n## S\n- a\n\n---\n", None)
    assert ruled == Outline(title="T", slides=(SlidePlan(title="S", bullets=("a",)),))


def test_csv_with_any_line_ends_is_read_and_what_is_no_csv_is_refused() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert read_table(end.join(("a,b", "1,2", "")), "t") == TableData(header=("a", "b"), rows=(("1", "2"),))
    with pytest.raises(InputError, match=r"t is not CSV \(field larger .*\); look for an unclosed quotation mark"):
        read_table('a,b\n"1,2\n' + "3,4\n" * 40_000, "t")


def test_a_cell_with_an_endless_number_is_no_chart() -> None:
    table = TableData(header=("a", "n"), rows=(("x", "9" * 400),))
    with pytest.raises(InputError, match="t, line 2, column 2: '9+' is not a number"):
        chart_of(table, "bar", "", "t")


def test_sections_agenda_sources_and_closing() -> None:
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
        ("References", ("[Book](https://b.example) (https://b.example)",)),
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
            lambda: ChartData.model_validate({"kind": "radar", "csv": "x.csv"}),
            "there is no 'radar' chart; the kinds are bar, horizontal bar, stacked bar",
        ),
        (
            lambda: ChartData(kind="bar", series=(ChartSeries(name="s", values=()),)),
            "a chart needs at least one category",
        ),
        (lambda: ChartSeries(name="s", values=(float("nan"),)), "finite"),
        (lambda: ChartSeries(name="s", values=(float("inf"),)), "finite"),
        (lambda: SlidePlan(title="t", columns=(Column(bullets=()),)), "two to four columns or none, not 1"),
    ],
)
def test_structured_content_that_no_slide_can_show_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        make()


def test_an_outline_keeps_its_own_number_of_slides() -> None:
    outline = OutlinePlanner().plan("# A\n## B\n## C\n", 6)
    assert len(outline.slides) == 2
    assert outline.warnings == ()


def test_a_list_without_headings_is_an_outline() -> None:
    outline = OutlinePlanner().plan("Trees\n\n- oak\n- beech\n", None)
    assert outline.title == "Trees"
    assert outline.slides == (SlidePlan(title="Trees", bullets=("oak", "beech")),)


def test_a_prompt_is_set_out_in_its_own_words_and_says_so() -> None:
    outline = OutlinePlanner().plan("A four-slide talk about boats: they float, they sail, and they sink", None)
    assert outline.title == "A talk about boats"
    assert [slide.title for slide in outline.slides] == ["They float", "They sail", "They sink"]
    assert outline.warnings == ("planned without a language model: the slides hold only the text of the prompt",)


def test_a_prompt_with_few_words_gets_headings_and_a_warning() -> None:
    outline = OutlinePlanner().plan("Make a presentation about dragons", 4)
    assert outline.title == "Dragons"
    assert [slide.title for slide in outline.slides] == ["Why it matters", "Who it is for", "Next steps"]
    assert all(not slide.bullets and slide.notes.endswith("?") for slide in outline.slides)
    assert "slides 2 to 4 have only a heading" in outline.warnings[1]


def test_a_prompt_with_many_sentences_shares_them_out() -> None:
    outline = OutlinePlanner().plan("Boats. One is red. Two are blue. Three are green. Four sank.", 3)
    assert [slide.bullets for slide in outline.slides] == [
        ("One is red", "Two are blue"),
        ("Three are green", "Four sank"),
    ]


@pytest.mark.parametrize("prompt", ["5 slides", ";", " . ; ,", "make a deck about ;"])
def test_a_prompt_that_says_nothing_is_refused(prompt: str) -> None:
    with pytest.raises(PromptError, match="does not say what the deck is about; write it like '5 slides about boats'"):
        OutlinePlanner().plan(prompt, None)


def test_a_prompt_for_one_slide_tells_which_words_it_left_out() -> None:
    outline = OutlinePlanner().plan("Boats: one, two, three", 1)
    assert (outline.title, outline.slides) == ("Boats", ())
    assert outline.warnings[1:] == ("one slide has room for the title only; left out: one; two; three",)
    assert len(OutlinePlanner().plan("Boats", 1).warnings) == 1


def test_a_prompt_in_another_script_keeps_its_words() -> None:
    outline = OutlinePlanner().plan("\u8239\u306e\u5b66\u6821", 2)
    assert outline.title == "\u8239\u306e\u5b66\u6821"


def test_the_schema_for_language_models_does_not_ask_for_warnings() -> None:
    assert "warnings" not in Outline.model_json_schema()["properties"]
