"""Make an editable deck from an outline: python examples/slides.py [outline.md] [deck.pptx]."""

from __future__ import annotations

import sys
from pathlib import Path

from seedx_sdk import SeedX
from seedx_tools import make_slides

OUTLINE = """# Our garden
What grows behind the red house

## What we planted
- Three trees by the wall
- Flowers in every colour
![a green tree and a pink flower in a meadow](draw)
> Show the garden plan here.

## Who helps
- Two cats, who sleep
- One dog, who digs
"""

outline = Path(sys.argv[1]).read_text(encoding="utf-8") if len(sys.argv) > 1 else OUTLINE
deck = make_slides(SeedX(), outline, path=sys.argv[2] if len(sys.argv) > 2 else "deck.pptx")
print("saved", deck.path, "with", len(deck.slides), "slides")
for warning in deck.warnings:
    print("note:", warning)
