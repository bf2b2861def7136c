"""An agent that asks before it edits, and shows the image that it would change: python examples/approval.py [FOLDER].

The conversation and its images outlive the program: start it again with the same folder and it goes on.
With a chat model of your choice: talk(SeedX(), init_chat_model("..."), folder=Path("approval")).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from offline_chat_model import OfflineChatModel

from seedx_sdk import SeedX
from seedx_sdk.imaging import save_image
from seedx_tools import FolderImages
from seedx_tools.adapters.langchain import SeedXToolkit, seedx_toolkit

REQUESTS = ("draw a red house and a green tree in a meadow", "make the house blue", "remove the tree")
THREAD = "me"


def talk(seedx: SeedX, chat_model: BaseChatModel, *, folder: Path) -> None:
    """Make each request in turn, and ask for approval of every edit."""
    folder.mkdir(parents=True, exist_ok=True)
    kit = seedx_toolkit(seedx, roots=[folder], images=FolderImages(folder / "images"))
    approval = HumanInTheLoopMiddleware(interrupt_on={"edit": {"allowed_decisions": ["approve", "edit", "reject"]}})
    config: RunnableConfig = {"configurable": {"thread_id": THREAD}}
    with SqliteSaver.from_conn_string(str(folder / "conversation.db")) as saver:
        agent: Any = create_agent(
            chat_model, kit.get_tools(), middleware=[kit.get_middleware(), approval], checkpointer=saver
        )
        for request in REQUESTS:
            print(f"> {request}")
            state = agent.invoke({"messages": [HumanMessage(request)]}, config)
            while pauses := state.get("__interrupt__"):
                actions = pauses[0].value["action_requests"]
                decisions = [review(action, kit, folder) for action in actions]
                state = agent.invoke(Command(resume={"decisions": decisions}), config)
            print(state["messages"][-1].text)
    print(len(kit.images_of(THREAD)), "images are in", folder / "images")


def review(action: dict[str, Any], kit: SeedXToolkit, folder: Path) -> dict[str, Any]:
    """Save the image before the edit for the reviewer to see, and return the decision."""
    args = action["args"]
    before = save_image(kit.images_of(THREAD)[args["image"]], folder / "before.png")
    print(f"{args['instruction']}? The image before is {before}.")
    said = input("yes, no, or another instruction: ").strip()
    if said == "yes":
        return {"type": "approve"}
    if said == "no":
        return {"type": "reject", "message": "The user wants to keep the image as it is."}
    return {"type": "edit", "edited_action": {"name": action["name"], "args": {**args, "instruction": said}}}


if __name__ == "__main__":
    talk(SeedX(), OfflineChatModel(), folder=Path(sys.argv[1] if len(sys.argv) > 1 else "approval"))
