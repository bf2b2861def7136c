"""Tasks, numbers and further paragraphs of points, written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides, revise_slide
from seedx_tools.decks.ooxml.styles import text_style
from seedx_tools.decks.reader import read_slide

OUTLINE = """# Launch
## Tasks
- [x] Sign the **contract**
- [ ] Write the release
  - [x] Draft
  - [ ] Proofread

  Ask Ann<br>or Ben
- [ ] Party

## Rules
127. First

     It has a reason.

     - Under it
128. Second
"""
TASKS = ("[x] Sign the **contract**", "[ ] Write the release", "\t[x] Draft", "\t[ ] Proofread")


def _made(seedx: SeedX, path: Path) -> Any:
    deck = make_slides(seedx, OUTLINE, path=path, pictures=False)
    assert deck.warnings == () and check_deck(path).findings == ()
    return Presentation(str(path))


def _paragraphs(slide: Any) -> list[Any]:
    return list(slide.placeholders[21].text_frame.paragraphs)


def _boxes(slide: Any) -> list[str]:
    chars = (paragraph._p.find(f"{qn('a:pPr')}/{qn('a:buChar')}") for paragraph in _paragraphs(slide))
    return ["" if char is None else char.get("char") for char in chars]


def test_tasks_have_check_boxes_and_are_read_back(seedx: SeedX, tmp_path: Path) -> None:
    slide = _made(seedx, tmp_path / "deck.pptx").slides[1]
    assert _boxes(slide) == ["\u2611", "\u2610", "\u2611", "\u2610", "", "\u2610"]
    assert read_slide(slide).bullets == (*TASKS, "\nAsk Ann\vor Ben", "[ ] Party")
    assert len(_paragraphs(slide)[4]._p.findall(qn("a:br"))) == 1


def test_a_further_paragraph_starts_under_its_point_and_numbers_go_on(seedx: SeedX, tmp_path: Path) -> None:
    slide = _made(seedx, tmp_path / "deck.pptx").slides[2]
    paragraphs = _paragraphs(slide)
    shape = slide.placeholders[21].element
    styles = [text_style(slide, shape, one._p, one.level) for one in paragraphs]
    assert [style.bullet for style in styles] == ["127.", "", "\u2022", "128."]
    assert styles[1].margin == styles[0].margin and styles[1].indent == 0
    assert styles[0].margin == -styles[0].indent > 40 and styles[2].margin + styles[2].indent > 40
    assert {p._p.find(f".//{qn('a:buAutoNum')}").get("startAt") for p in (paragraphs[0], paragraphs[3])} == {"127"}
    assert read_slide(slide).bullets == ("127. First\nIt has a reason.", "\tUnder it", "128. Second")


def test_points_are_revised_in_place_with_their_marks(seedx: SeedX, tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    before = [paragraph._p.xml for paragraph in _paragraphs(_made(seedx, path).slides[1])]
    plan = read_slide(Presentation(str(path)).slides[1])
    bullets = (*TASKS[:1], "[x] Write the release\nBy May", *TASKS[2:], *plan.bullets[4:], "No task")
    revise_slide(seedx, path, 2, plan.model_copy(update={"bullets": bullets}), pictures=False)
    slide = Presentation(str(path)).slides[1]
    after = [paragraph._p.xml for paragraph in _paragraphs(slide)]
    assert read_slide(slide).bullets == bullets
    assert _boxes(slide) == ["\u2611", "\u2611", "", "\u2611", "\u2610", "", "\u2610", ""]
    assert [after[0], *after[3:7]] == [before[0], *before[2:]]
