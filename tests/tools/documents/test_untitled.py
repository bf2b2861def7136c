"""Documents without headings."""

from seedx_tools.decks.outline import Outline
from seedx_tools.documents.document import Document
from seedx_tools.documents.markdown import plain_text_as_markdown
from seedx_tools.documents.outlines import document_outline

TEXT = (
    "The school opened in 1998. It had one boat.\n\n"
    "| Year | Boats |\n| --- | --- |\n| 2023 | 3 |\n\nSource: the harbor\n\n"
    "![](hall.png)\n\nFigure 1: The boat hall\n"
)


def outline(text: str, num_slides: int | None = None) -> Outline:
    return document_outline(Document(name="a.docx", title="The school", text=text), num_slides)


def test_tables_and_pictures_are_kept_where_nothing_is_headed() -> None:
    made = outline(TEXT)
    text, table, picture = made.slides
    assert (text.title, text.bullets) == ("The school opened in 1998", ("It had one boat.",))
    assert table.table is not None and (table.title, table.table.rows) == ("The school", (("2023", "3"),))
    assert table.source == "Source: the harbor"
    assert (picture.title, picture.picture_file, picture.picture) == ("The boat hall", "hall.png", "The boat hall")


def test_a_few_sentences_are_one_slide_and_a_number_of_slides_is_kept() -> None:
    said = "We lead. Costs fell. Staff stayed."
    assert [(slide.title, slide.bullets) for slide in outline(said).slides] == [
        ("We lead", ("Costs fell.", "Staff stayed."))
    ]
    assert [slide.title for slide in outline(said, 4).slides] == ["We lead", "Costs fell", "Staff stayed"]
    assert len(outline(TEXT, 4).slides) == 3


def test_a_line_above_the_first_table_is_its_title() -> None:
    (table,) = outline("Register\n\n| Risk | Owner |\n| --- | --- |\n| Fire | Ann |\n").slides
    assert table.table is not None and (table.title, table.table.rows) == ("Register", (("Fire", "Ann"),))


def test_capitals_and_underlined_lines_of_plain_text_are_headings() -> None:
    text = "1. BACKGROUND:\nCosts rose & *fell*.\n\nNext steps\n----------\nWe ask.\nEUR 2m\n"
    assert plain_text_as_markdown(text).strip() == (
        "## 1. BACKGROUND\n\nCosts rose \\& \\*fell\\*.\n\n\n## Next steps\n\nWe ask.\nEUR 2m"
    )
