"""Assistants over the tools of seedx_tools, with any LangChain chat model as their head, or none."""

from seedx_agents.assistant import Assistant
from seedx_agents.designer import Designer
from seedx_agents.designs import Change, Design, Proposal, Proposals
from seedx_agents.presenter import Presenter
from seedx_agents.screenplay import Character, Scene, Screenplay
from seedx_agents.storyteller import Book, BookPage, Storyteller
from seedx_agents.turn import (
    AgentEvent,
    Budget,
    Step,
    TextSaid,
    ToolEnded,
    ToolProgress,
    ToolStarted,
    Turn,
    TurnDone,
)

__all__ = [
    "AgentEvent",
    "Assistant",
    "Book",
    "BookPage",
    "Budget",
    "Change",
    "Character",
    "Design",
    "Designer",
    "Presenter",
    "Proposal",
    "Proposals",
    "Scene",
    "Screenplay",
    "Step",
    "Storyteller",
    "TextSaid",
    "ToolEnded",
    "ToolProgress",
    "ToolStarted",
    "Turn",
    "TurnDone",
]
