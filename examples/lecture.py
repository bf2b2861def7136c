"""A lecture with code, formulas and diagrams from a Markdown file: python examples/lecture.py [lecture.md]."""

from __future__ import annotations

import sys
from pathlib import Path

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import check_deck, make_slides

NOTES = Path(__file__).parent / "data" / "lecture.md"

notes = Path(sys.argv[1]) if len(sys.argv) > 1 else NOTES
deck = make_slides(
    SeedX(engine=ScriptedEngine()),
    notes.read_text(encoding="utf-8"),
    path="lecture.pptx",
    theme="ink",
    files=notes.parent,
    pictures=False,
)
for warning in deck.warnings:
    print("note:", warning)
for finding in check_deck(deck.path).findings:
    print("fault:", finding.slide, finding.message)
print("saved", deck.path, "with", len(deck.slides), "slides")
