"""Sections, agendas with links, and progress on section slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides
from seedx_tools.decks.reader import read_slide

_P14 = "{http://schemas.microsoft.com/office/powerpoint/2010/main}"
OUTLINE = """# The deck
## Agenda
# Where we *stand*
## Facts
- One
- Two
# Where we go
What comes next
## Plan
- Three
"""


def _targets(slide: Slide) -> list[tuple[str, str]]:
    """Return the lines of a slide that are links to slides, with the titles of those."""
    part: Any = slide.part
    placeholders: Any = slide.placeholders
    return [
        (run.text, part.rels[click.get(qn("r:id"))].target_part.slide.shapes.title.text_frame.text)
        for shape in placeholders
        for paragraph in shape.text_frame.paragraphs
        for run in paragraph.runs
        if (click := run._r.find(f".//{qn('a:hlinkClick')}")) is not None
    ]


def test_sections_of_the_outline_are_sections_of_the_file(seedx: SeedX, tmp_path: Path) -> None:
    deck = Presentation(str(make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", pictures=False).path))
    ids = [slide.slide_id for slide in deck.slides]
    sections = list(deck.part._element.iter(f"{_P14}section"))
    assert [section.get("name") for section in sections] == ["The deck", "Where we stand", "Where we go"]
    assert [[int(entry.get("id")) for entry in section.iter(f"{_P14}sldId")] for section in sections] == [
        ids[:2],
        ids[2:4],
        ids[4:],
    ]
    assert deck.part._element[-1].tag == qn("p:extLst")


def test_agenda_lines_open_their_sections(seedx: SeedX, tmp_path: Path) -> None:
    deck = Presentation(str(make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", pictures=False).path))
    linked = _targets(deck.slides[1])
    assert {target for _, target in linked} == {"Where we stand", "Where we go"}
    assert "".join(text for text, _ in linked) == "Where we standWhere we go"


def test_an_agenda_without_sections_opens_slides(seedx: SeedX, tmp_path: Path) -> None:
    text = "# D\n## Agenda\n## One\n- a\n- b\n## Two\n- c\n- d\n"
    deck = Presentation(str(make_slides(seedx, text, path=tmp_path / "d.pptx", pictures=False).path))
    assert _targets(deck.slides[1]) == [("One", "One"), ("Two", "Two")]
    assert list(deck.part._element.iter(f"{_P14}section")) == []


def test_dividers_show_where_the_deck_is(seedx: SeedX, tmp_path: Path) -> None:
    path = make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", pictures=False).path
    deck = Presentation(str(path))
    for number, current in ((2, "Where we stand"), (4, "Where we go")):
        shapes: Any = deck.slides[number].shapes
        row = [shape for shape in shapes if shape.name.startswith("Progress ")]
        texts = {shape.text_frame.text: shape for shape in row if shape.text_frame.text}
        assert list(texts) == ["Where we stand", "Where we go"]
        bold = [text for text, shape in texts.items() if shape.text_frame.paragraphs[0].runs[0].font.bold]
        assert bold == [current]
    plan = read_slide(deck.slides[4])
    assert (plan.kind, plan.bullets) == ("section", ("What comes next",))
    assert check_deck(path).findings == ()


def test_a_title_with_a_footnote_is_linked_by_its_words(seedx: SeedX, tmp_path: Path) -> None:
    text = "# D\n## Agenda\n## Figures[^1]\n- a\n## Costs\n- b\n\n[^1]: From May.\n"
    made = make_slides(seedx, text, path=tmp_path / "d.pptx", pictures=False)
    assert [slide.title for slide in made.slides] == ["D", "Agenda", "Figures\u00b9", "Costs"]
    targets = _targets(Presentation(str(made.path)).slides[1])
    assert targets == [("Figures", "Figures1"), ("Costs", "Costs")]
