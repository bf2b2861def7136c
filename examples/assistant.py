"""Draw, ask, edit and save over several turns: python examples/assistant.py [FOLDER].

Without a chat model, rules choose the tool. With one, it plans: talk(SeedX(), init_chat_model("..."), folder="talk").
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from seedx_agents import Assistant, ToolEnded, ToolProgress, TurnDone
from seedx_sdk import SeedX
from seedx_sdk.imaging import save_image

REQUESTS = (
    "draw a red house and a green tree in a meadow",
    "what color is the house?",
    "find the green tree",
    "make the house blue",
)


def talk(
    seedx: SeedX, chat_model: BaseChatModel | None = None, *, folder: Path, num_inference_steps: int | None = None
) -> Assistant:
    """Make each request in turn, save the images and the conversation into a folder, and load them again."""
    folder.mkdir(parents=True, exist_ok=True)
    assistant = Assistant(seedx, chat_model, roots=[folder], seed=7, num_inference_steps=num_inference_steps)
    for request in REQUESTS:
        print(f"> {request}")
        for event in assistant.stream(request):
            if isinstance(event, ToolProgress):
                print(f"  {event.tool}: {event.what} {event.done}/{event.total}", end="\r", flush=True)
            elif isinstance(event, ToolEnded):
                print(f"  {event.step.tool}: {event.step.outcome}        ")
            elif isinstance(event, TurnDone):
                print(event.turn.text)
                for name in event.turn.images:
                    path = folder / f"{name.replace(':', '-')}.png"
                    print("saved", save_image(assistant.album[name], path))
    return Assistant.load(assistant.save(folder / "talk"), seedx, chat_model, roots=[folder])


if __name__ == "__main__":
    again = talk(SeedX(), folder=Path(sys.argv[1] if len(sys.argv) > 1 else "assistant"))
    print(len(again.messages), "messages and", len(again.album.images), "images were saved")
