"""The linter is silent on long content, and all of the text is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import Outline, SlidePlan, Visual, VisualItem, check_deck, make_slides
from seedx_tools.decks.outline import CodeBlock
from seedx_tools.decks.theme.build import DeckSize
from seedx_tools.decks.theme.palettes import DeckTheme

TITLE = "A title that goes on and on about many things " * 3
POINT = "The quarterly review of the regional maintenance contracts shows steady growth in every area that we serve "
POINTS = tuple(f"{POINT * 2} {number}." for number in range(7))
SLIDES = (
    SlidePlan(title=TITLE, bullets=POINTS, picture_file="wide.png", picture="A sea"),
    SlidePlan(title="Code", code=CodeBlock(text="def f(x):\n    return x"), picture=""),
    SlidePlan(
        title="Cards",
        visual=Visual(
            kind="cards", items=tuple(VisualItem(label=f"Item {n}", text=POINT, value=f"{n} %") for n in range(8))
        ),
    ),
)


@pytest.mark.parametrize(("theme", "size"), [("paper", "4:3"), ("night", "4:3"), ("studio", "16:9")])
def test_long_content_has_no_faults(theme: DeckTheme, size: DeckSize, seedx: SeedX, tmp_path: Path) -> None:
    Image.new("RGB", (1600, 900), "navy").save(tmp_path / "wide.png")
    outline = Outline(title="Review", picture="", slides=SLIDES)
    deck = make_slides(seedx, outline, path=tmp_path / "d.pptx", files=tmp_path, pictures=False, theme=theme, size=size)
    assert check_deck(deck.path).findings == ()
    file: Any = Presentation(str(deck.path))
    shown = " ".join(shape.text_frame.text for slide in file.slides for shape in slide.shapes if shape.has_text_frame)
    assert " ".join(shown.split()).count(POINT.strip()) == 2 * len(POINTS) + 8
