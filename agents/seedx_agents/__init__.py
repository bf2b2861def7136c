"""Agents over the tools of seedx_tools, with any LangChain chat model or a rule-based policy."""

from seedx_agents.assistant.agent import Assistant
from seedx_agents.assistant.approval import Approve, Edit, ProposedCall, Reject
from seedx_agents.assistant.streams import AsyncEventStream, EventStream
from seedx_agents.assistant.turn import (
    AgentEvent,
    AssistantText,
    Budget,
    Step,
    ToolEnded,
    ToolProgress,
    ToolStarted,
    Turn,
    TurnDone,
)
from seedx_agents.designer.agent import Designer
from seedx_agents.designer.results import Change, Design, Proposal, Proposals
from seedx_agents.presenter.agent import Presenter
from seedx_agents.storyteller.agent import Book, BookPage, Storyteller
from seedx_tools.stories.plan import Character
from seedx_tools.stories.screenplay import Scene, Screenplay

__all__ = [
    "AgentEvent",
    "Approve",
    "Assistant",
    "AssistantText",
    "AsyncEventStream",
    "Book",
    "BookPage",
    "Budget",
    "Change",
    "Character",
    "Design",
    "Designer",
    "Edit",
    "EventStream",
    "Presenter",
    "Proposal",
    "Proposals",
    "ProposedCall",
    "Reject",
    "Scene",
    "Screenplay",
    "Step",
    "Storyteller",
    "ToolEnded",
    "ToolProgress",
    "ToolStarted",
    "Turn",
    "TurnDone",
]
