"""Slides that a chat model lays out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import ChatModelLayout, Outline, SlidePlan, check_deck, make_slides
from tests.support.chat_models import PlayedModel, calls

OUTLINE = Outline(title="A", slides=(SlidePlan(title="We sail", bullets=("Every day", "In all weather"), picture=""),))


def _boxes(*boxes: tuple[str, float, float, float, float]) -> dict[str, Any]:
    names = ("kind", "left", "top", "right", "bottom")
    return {"boxes": [dict(zip(names, box, strict=True)) for box in boxes]}


def test_text_stands_where_the_chat_model_puts_it(seedx: SeedX, tmp_path: Path) -> None:
    answer = _boxes(("title", 0.5, 0.1, 0.95, 0.3), ("text", 0.5, 0.4, 0.95, 0.85))
    model = PlayedModel(script=[calls(("_Boxes", answer))])
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", pictures=False, layout=ChatModelLayout(model))
    assert deck.warnings == () and check_deck(deck.path).findings == ()
    file: Any = Presentation(str(deck.path))
    lefts = {shape.text_frame.text: shape.left / file.slide_width for shape in file.slides[1].placeholders}
    assert lefts["We sail"] == lefts["Every day\nIn all weather"] == pytest.approx(0.5, abs=0.01)
    assert "We sail" in str(model.seen[0][1].content) and "13.3 x 7.5 inches" in str(model.seen[0][1].content)


def test_an_answer_that_is_no_layout_leaves_the_slide_to_the_template(seedx: SeedX, tmp_path: Path) -> None:
    model = PlayedModel(script=[calls(("_Boxes", {"boxes": json.dumps("no")}))] * 2)
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "d.pptx", pictures=False, layout=ChatModelLayout(model))
    (warning,) = deck.warnings
    assert warning.startswith("slide 2: its layout was not used, the template's was: ")
    assert len(model.seen) == 2
