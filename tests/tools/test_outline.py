from __future__ import annotations

from seedx_tools import Outline, OutlinePlanner, SlidePlan

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
            SlidePlan(title="Who", bullets=("one", "two"), picture="a red boat", notes="a comment"),
            SlidePlan(title="Nothing", picture=""),
        ),
    )


def test_what_markdown_slides_cannot_hold_is_a_warning():
    text = "# T\n\n## S\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n![boat](boat.jpg)\n\n<div>x</div>\n"
    outline = OutlinePlanner().plan(text, None)
    assert outline.slides[0].bullets == ("a | b", "1 | 2", "code")
    assert outline.slides[0].picture == "boat"
    assert len(outline.warnings) == 4
    assert all(warning.startswith("slide 'S': ") for warning in outline.warnings)
    assert "boat.jpg" in outline.warnings[2]


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
