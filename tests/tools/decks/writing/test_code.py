"""Program text on slides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import Outline, SlidePlan, check_deck, make_slides
from seedx_tools.decks.outline import CodeBlock
from seedx_tools.decks.reader import read_slide

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
