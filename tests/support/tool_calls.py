"""The same calls of the tools, for the adapters of several frameworks: what a model asks, and what must come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation

__all__ = ["CALLS", "OUTLINE", "check_texts"]

OUTLINE = "# Our house\n\n## What is there\n- A red house\n"
CALLS: list[tuple[str, Any]] = [
    ("describe", {"images": ["image:1"]}),
    ("detect", {"image": "image:1", "phrase": "the red house"}),
    ("edit", {"image": "image:9", "instruction": "make the house blue"}),
    ("edit", {"image": "image:1", "instruction": "make the house blue", "num_inference_steps": 2}),
    ("make_slides", {"prompt_or_outline": OUTLINE, "path": "deck.pptx", "pictures": False}),
]
"""Describe, detect, fail, edit, and make a deck."""


def check_texts(texts: list[str], tmp_path: Path) -> None:
    looked, found, mistaken, edited, saved = texts
    assert "house" in looked and "red house: x0 y0 x1 y1" in found
    assert "there is no image 'image:9'; use image:1, image:2" in mistaken
    assert "The image is image:3." in edited and f"Saved 2 slides as {tmp_path / 'deck.pptx'}" in saved
    assert len(Presentation(str(tmp_path / "deck.pptx")).slides) == 2
