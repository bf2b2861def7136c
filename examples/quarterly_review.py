"""A quarterly review of 12 slides in a company's template, from CSV files and notes, without a model's pictures.

python examples/quarterly_review.py [review.pptx]
"""

from __future__ import annotations

import sys
from pathlib import Path

from corporate_template import save_template

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import Deck, check_deck, make_slides

DATA = Path(__file__).parent / "data"


def review(seedx: SeedX, path: Path) -> Deck:
    """Make the deck in the template, with the numbers of the CSV files that the notes name."""
    template = save_template(path.with_name("harbor-tools.pptx"))
    notes = (DATA / "review.md").read_text(encoding="utf-8")
    return make_slides(seedx, notes, path=path, template=template, files=DATA, pictures=False)


if __name__ == "__main__":
    deck = review(SeedX(engine=ScriptedEngine()), Path(sys.argv[1] if len(sys.argv) > 1 else "review.pptx"))
    for warning in deck.warnings:
        print("note:", warning)
    for finding in check_deck(deck.path).findings:
        print("fault:", finding.slide, finding.message)
    print("saved", deck.path, "with", len(deck.slides), "slides")
