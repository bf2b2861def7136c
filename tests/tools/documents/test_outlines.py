"""Outlines of documents: sections on as many slides as were asked for, points in their own sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("openpyxl")

from openpyxl import Workbook

from seedx_sdk import InputError
from seedx_tools.decks.outline import Outline
from seedx_tools.documents.document import Document
from seedx_tools.documents.outlines import document_outline
from seedx_tools.documents.pages import MAX_POINTS
from seedx_tools.documents.sources import read_source, sources_outline

LONG = (
    "The trust grew for the third year. Membership rose from 1,240 to 1,610, e.g. in the **youth program. It** began. "
    f"This sentence is much too long for a slide, {'because it goes on and on, ' * 12}until its end."
)
REPORT = f"""By Ann Lee

## 1 Summary

{LONG}

## 2 Results

### 2.1 Income

Income rose. Courses grew most.

| Source | Income |
| --- | --- |
| Courses | 1.5 |

Table 1: Income by source. In millions.

### 2.2 Members

Members are younger.

![Figure 2: Members by age](members.png)

Figure 2: Members by age

## 3 Risks

- The lease ends
- Premiums doubled[^1]

## References

{"".join(f"[{number}] A paper. 20{number}.{chr(10)}{chr(10)}" for number in range(10, 18))}
[^1]: Since 2023.
"""


def outline(num_slides: int | None, text: str = REPORT) -> Outline:
    return document_outline(Document(name="report.pdf", title="The trust", text=text), num_slides)


def told(made: Outline) -> str:
    """Return all texts of an outline, without the marks of Markdown."""
    texts = [made.title, made.subtitle, made.notes]
    for slide in made.slides:
        texts += [slide.title, *slide.bullets, slide.notes]
    return " ".join(" ".join(texts).replace("\\", "").split())


def test_sections_tables_and_figures_become_slides_with_points_in_whole_sentences() -> None:
    made = outline(None)
    assert (made.title, made.subtitle) == ("The trust", "By Ann Lee")
    assert [slide.title for slide in made.slides] == [
        "Summary",
        "Results",
        "Income",
        "Income by source",
        "Members",
        "Risks",
    ]
    summary, results, income, table, members, risks = made.slides
    first, second, cut = summary.bullets
    assert first == "The trust grew for the third year."
    assert second == "Membership rose from 1,240 to 1,610, e.g. in the **youth program. It** began."
    assert cut.startswith("This sentence is much too long") and cut.endswith("...") and len(cut) < 180
    assert "until its end." in summary.notes
    assert (results.kind, income.bullets) == ("section", ("Income rose.", "Courses grew most."))
    assert table.table is not None and (table.source, table.notes) == (
        "report.pdf",
        "Table 1: Income by source. In millions.",
    )
    assert (members.picture_file, members.bullets) == ("members.png", ("Members are younger.",))
    assert risks.bullets == ("The lease ends", "Premiums doubled[^1]") and risks.footnotes == ("Since 2023.",)
    assert "the 8 references of 'report.pdf' are in the notes of the last slide" in made.warnings
    assert "A paper. 2017." in made.slides[-1].notes


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_report_fits_the_number_of_slides_and_loses_nothing(count: int) -> None:
    made = outline(count)
    assert len(made.slides) + 1 == count
    found = told(made)
    for said in ("Membership rose", "until its end", "Courses grew most", "Members are younger", "The lease ends"):
        assert said in found, said
    assert all(len(slide.bullets) <= MAX_POINTS for slide in made.slides)
    if count == 4:
        assert [slide.title for slide in made.slides] == ["Summary", "Results", "Risks"]
        assert made.slides[1].bullets[:2] == ("Income", "\tIncome rose.")
    lost = any("no room on so few slides for 1 tables" in warning for warning in made.warnings)
    assert lost == all(slide.table is None for slide in made.slides)


def test_a_text_without_headings_has_the_first_sentences_as_titles() -> None:
    made = outline(3, "The school opened in 1998. It had one boat.\n\nPupils sail in the bay.\n\nParents help. Much.")
    assert [(slide.title, slide.bullets) for slide in made.slides] == [
        ("The school opened in 1998", ("It had one boat.", "Pupils sail in the bay.")),
        ("Parents help", ("Much.",)),
    ]


def test_markdown_that_is_an_outline_stays_as_it_was_written() -> None:
    text = (
        "# Boats\n\nFor all\n\n## Why\n\n- Fun\n    - Really\n1. First\n\n> Say hello.\n\n## Two\n\n- a\n\n***\n\n- b\n"
    )
    made = document_outline(Document(name="boats.md", title="boats", text=text), None)
    assert (made.title, made.subtitle) == ("Boats", "For all")
    assert made.slides[0].bullets == ("Fun", "\tReally", "1. First") and made.slides[0].notes == "Say hello."
    assert len(made.slides[1].columns) == 2


def test_a_long_document_gets_a_deck_of_a_usual_length() -> None:
    text = "\n\n".join(f"## Part {number}\n\nIt says {number}. And more." for number in range(1, 61))
    made = outline(None, text)
    assert len(made.slides) == 23
    assert "'report.pdf' has 60 parts, which share 24 slides; num_slides sets how many" in made.warnings
    assert len(outline(50, text).slides) == 49


def test_several_sources_share_the_slides_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("# Plan\n\n## Why\n\n- Fun\n\n## How\n\n- Sail\n", encoding="utf-8")
    workbook = Workbook()
    assert workbook.active is not None
    for row in (["Year", "Boats"], ["2023", 3], ["2024", 5]):
        workbook.active.append(row)
    workbook.save(tmp_path / "boats.xlsx")
    found = [read_source(tmp_path / name) for name in ("plan.md", "boats.xlsx")]
    made = sources_outline(found, None)
    assert [slide.title for slide in made.slides if slide.kind == "section"] == ["Boats"]
    assert (made.title, made.sources) == ("Plan", ("plan.md", "boats.xlsx"))
    assert len(sources_outline(found, 6).all_slides()) + 1 <= 6
    with pytest.raises(InputError, match="0 sources were given; pass 1 to 20 files"):
        sources_outline([], None)
