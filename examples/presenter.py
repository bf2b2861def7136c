"""A deck from a subject, a document or a table, and a change to one slide: python examples/presenter.py report.pdf.

A chat model can write it: present(SeedX(), source, chat_model=init_chat_model("..."), path="deck.pptx").
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from seedx_agents import Presenter
from seedx_sdk import SeedX
from seedx_tools import Deck, check_deck

PUPILS: list[list[object]] = [["Year", "Pupils"], [2022, 18], [2023, 25], [2024, 41]]


def present(
    seedx: SeedX,
    source: str | Path | list[list[object]],
    chat_model: BaseChatModel | None = None,
    *,
    path: Path,
    instruction: str = "title: What the numbers say",
    pictures: bool | None = None,
) -> Deck:
    """Make the deck, change its second slide, and check it; all other slides stay as they are."""
    presenter = Presenter(seedx, chat_model, theme="ink", pictures=pictures)
    made = presenter.make(source, path=path, on_progress=lambda done, total, what: print(f"{done}/{total} {what}"))
    revised = presenter.revise(2, instruction)
    for number, slide in enumerate(revised.slides, start=1):
        print(f"{number}. {slide.title}: {len(slide.bullets)} points")
    for warning in (*made.warnings, *revised.warnings):
        print("note:", warning)
    for finding in check_deck(path).findings:
        print("fault:", finding.slide, finding.message)
    print("saved", revised.path)
    return revised


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else ""
    source = Path(given) if Path(given).is_file() else given or PUPILS
    present(SeedX(), source, path=Path(sys.argv[2] if len(sys.argv) > 2 else "presenter.pptx"))
