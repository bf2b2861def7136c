"""Typed tools over SeedX: one schema each for people, agents and other frameworks."""

from seedx_tools.chat_planner import ChatModelPlanner, ChatModelStoryPlanner
from seedx_tools.deck_check import DeckReport, Finding, check_deck
from seedx_tools.deck_revise import append_slides, revise_slide
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.images import ImageStore
from seedx_tools.office import deck_to_pdf, deck_to_png
from seedx_tools.outline import Outline, Planner, SlidePlan
from seedx_tools.prompt_outline import OutlinePlanner
from seedx_tools.registry import TOOLS
from seedx_tools.slide_content import ChartData, ChartSeries, Column, Quote, TableData
from seedx_tools.slide_results import Deck, DeckSlide
from seedx_tools.slides import make_slides
from seedx_tools.story import Story, StoryPage, tell_story
from seedx_tools.story_plan import PagePlan, StoryPlan, StoryPlanner
from seedx_tools.story_template import TemplateStoryPlanner
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Outcome, Toolbox
from seedx_tools.workspace import Workspace

__all__ = [
    "TOOLS",
    "ChartData",
    "ChartSeries",
    "ChatModelPlanner",
    "ChatModelStoryPlanner",
    "Column",
    "Deck",
    "DeckReport",
    "DeckSlide",
    "Finding",
    "ImageStore",
    "Outcome",
    "Outline",
    "OutlinePlanner",
    "PagePlan",
    "Planner",
    "Quote",
    "SlidePlan",
    "Story",
    "StoryPage",
    "StoryPlan",
    "StoryPlanner",
    "TableData",
    "TemplateStoryPlanner",
    "Tool",
    "ToolFailed",
    "ToolRetry",
    "Toolbox",
    "Workspace",
    "append_slides",
    "check_deck",
    "deck_to_pdf",
    "deck_to_png",
    "make_slides",
    "revise_slide",
    "tell_story",
]
