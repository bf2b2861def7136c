"""Program text on slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import Outline, SlidePlan, check_deck, make_slides
from seedx_tools.decks.outline import CodeBlock
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.text.shapes import place_text

PROGRAM = "def retry(call):\n    try:\n        return call()\n    except OSError:\n\n        raise"
OUTLINE = f"# T\n## Retry\n- It calls again\n- Twice\n\n```python\n{PROGRAM}\n```\n"


def _boxes(path: Path) -> list[Any]:
    return [s for slide in Presentation(str(path)).slides for s in slide.shapes if s.name.startswith("Code ")]


def test_a_program_keeps_its_lines_and_indentation_beside_points(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", pictures=False)
    assert deck.warnings == () and check_deck(deck.path).findings == ()
    (box,) = _boxes(deck.path)
    assert box.text_frame.text == PROGRAM
    runs = [run for paragraph in box.text_frame.paragraphs for run in paragraph.runs]
    assert {run.font.name for run in runs} == {"Courier New"}
    plan = read_slide(Presentation(str(deck.path)).slides[1])
    assert plan.code == CodeBlock(text=PROGRAM)
    assert plan.bullets == ("It calls again", "Twice")


def test_a_long_program_continues_evenly(seedx: SeedX, tmp_path: Path) -> None:
    lines = [f"line_{number} = {number}" for number in range(50)]
    outline = Outline(title="T", slides=(SlidePlan(title="Long", code=CodeBlock(text="\n".join(lines))),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    assert check_deck(deck.path).findings == ()
    pages = [box.text_frame.text.split("\n") for box in _boxes(deck.path)]
    assert [line for page in pages for line in page] == lines
    assert max(map(len, pages)) - min(map(len, pages)) <= 1
    assert [slide.title for slide in deck.slides[1:]] == [f"Long ({n}/{len(pages)})" for n in range(1, len(pages) + 1)]


def test_the_rest_of_a_long_line_is_indented_and_still_the_same_line(seedx: SeedX, tmp_path: Path) -> None:
    call = f"        result = call({', '.join(f'argument_{number}={number}' for number in range(20))})"
    program = f"def f():\n    if True:\n{call}\n        return result"
    outline = Outline(title="T", slides=(SlidePlan(title="Long", code=CodeBlock(text=program)),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    assert check_deck(deck.path).findings == ()
    assert deck.warnings == ("slide 2: its code has lines that are too long for one row; their rest is indented",)
    (box,) = _boxes(deck.path)
    assert box.text_frame.text == program
    margins = [paragraph._p.pPr.get("marL") for paragraph in box.text_frame.paragraphs]
    (margin,) = filter(None, margins)
    size = box.text_frame.paragraphs[2].runs[0].font.size
    assert margins.index(margin) == 2 and int(margin) == round(12 * 0.6 * size)
    first, second = place_text(Presentation(str(deck.path)).slides[1], box).lines[2:4]
    assert f"{first.text} {second.text}" == call[: len(first.text) + 1 + len(second.text)]
    assert (first.x, second.x) == (0.0, int(margin) / 12_700)


def test_a_line_longer_than_a_page_continues(seedx: SeedX, tmp_path: Path) -> None:
    line = "x" * 9000
    outline = Outline(title="T", slides=(SlidePlan(title="Long", code=CodeBlock(text=line)),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    assert check_deck(deck.path).findings == ()
    pages = [box.text_frame.text for box in _boxes(deck.path)]
    assert len(pages) > 1 and "".join(pages).replace("\n", "") == line


def test_the_panel_of_code_is_tinted_by_the_theme(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", pictures=False, theme="night")
    (box,) = _boxes(deck.path)
    fill = box._element.spPr.find(f"{qn('a:solidFill')}/{qn('a:schemeClr')}")
    assert fill.get("val") == "accent1" and box._element.spPr.find(qn("a:prstGeom")).get("prst") == "roundRect"
    assert check_deck(deck.path).findings == ()
