"""A session of plain requests on a finished deck, without a chat model: python examples/revise_session.py [deck.pptx].

A chat model follows any wording:
revise_slide(seedx, path, 2, "say this to a board", planner=ChatModelPlanner(model)).
"""

from __future__ import annotations

import sys
from pathlib import Path

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import check_deck, make_slides, revise_slide

OUTLINE = """# Moving the help desk
What changes in March

## Tickets come in one queue
- Mail, phone and chat end in the same list
- The desk answers within a day, and tells the user by when the ticket will be solved
- Old tickets stay readable for a year
- The old address forwards mail

## What it costs
| Item | 2026 | 2027 |
|---|---|---|
| Licenses | 24,000 | 18,000 |
| Training | 9,500 | 2,000 |

## Tickets fell after the pilot
```chart bar
Month,Tickets
January,1240
February,1102
March,905
```

## Who is trained first
1. The desk in Leeds
2. The desk in York
3. Everybody else

## Questions that came up
- Who may close a ticket?
"""
REQUESTS = (
    (2, "title: All tickets come in one queue"),
    (2, "shorter; remove bullet 4"),
    (5, "add: Managers, in an hour of their own"),
    (6, "delete this slide"),
    (4, "move slide 4 to 3"),
)
"""Slides, by their number at the time, and what is to change."""


def revise(seedx: SeedX, path: Path) -> None:
    """Follow each request, and say what became of the slide."""
    for number, request in REQUESTS:
        deck = revise_slide(seedx, path, number, request)
        titles = [slide.title for slide in deck.slides]
        print(f"{number}. {request}: {' / '.join(titles[1:])}")
        for warning in deck.warnings:
            print("note:", warning)
    for finding in check_deck(path).findings:
        print("fault:", finding.slide, finding.message)


if __name__ == "__main__":
    seedx = SeedX(engine=ScriptedEngine())  # nothing is drawn, so no model is loaded
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "help-desk.pptx")
    if not path.exists():
        make_slides(seedx, OUTLINE, path=path, theme="board", pictures=False)
    revise(seedx, path)
    print("saved", path)
