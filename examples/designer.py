"""Draw from an intent, propose changes, and go on with the first: python examples/designer.py "a red house" [FOLDER].

A chat model can have the ideas: design(SeedX(), "home", chat_model=init_chat_model("..."), folder="out").
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from seedx_agents import Designer, Proposals
from seedx_sdk import SeedX
from seedx_sdk.imaging import save_image


def design(
    seedx: SeedX,
    intent: str,
    chat_model: BaseChatModel | None = None,
    *,
    folder: Path,
    wish: str = "",
    num_inference_steps: int | None = None,
) -> Proposals:
    """Draw an image, explain its idea, and show three changes to it."""
    folder.mkdir(parents=True, exist_ok=True)
    designer = Designer(seedx, chat_model, seed=7, num_inference_steps=num_inference_steps)
    drawn = designer.draw(intent)
    print(drawn.prompt, "-", drawn.idea)
    print("saved", designer.save(folder / "design.png", overwrite=True))
    shown = designer.propose(wish=wish, on_progress=lambda done, total, what: print(f"change {done}/{total}: {what}"))
    for number, proposal in enumerate(shown.proposals, start=1):
        print(f"{number}. {proposal.change.instruction}: {proposal.change.reason} Now it shows: {proposal.seen}")
        if proposal.image is not None:
            print("saved", save_image(proposal.image, folder / f"change-{number}.png"))
    designer.accept(shown.proposals[0])  # the next propose() continues from here; undo() takes it back
    print("saved", designer.save(folder / "accepted.png", overwrite=True))
    for warning in (*drawn.warnings, *shown.warnings):
        print("note:", warning)
    return shown


if __name__ == "__main__":
    intent = sys.argv[1] if len(sys.argv) > 1 else "a postcard with a red house and a green tree in a meadow"
    design(SeedX(), intent, folder=Path(sys.argv[2] if len(sys.argv) > 2 else "designer"))
