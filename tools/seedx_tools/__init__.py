"""Typed tools over SeedX: one schema each for people, agents and other frameworks."""

from seedx_tools.catalog.registry import TOOLS
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.footer import Footer
from seedx_tools.decks.layout.chat_model import ChatModelLayout
from seedx_tools.decks.layout.regions import LayoutPlanner, PageSize, Region
from seedx_tools.decks.libreoffice import deck_to_pdf, deck_to_png
from seedx_tools.decks.lint.check import DeckReport, check_deck
from seedx_tools.decks.lint.findings import Finding
from seedx_tools.decks.make import make_slides, make_slides_async
from seedx_tools.decks.operations.deck_outline import DeckOutline, read_deck
from seedx_tools.decks.operations.design import change_template
from seedx_tools.decks.operations.edit import edit_deck
from seedx_tools.decks.operations.insert import insert_slide
from seedx_tools.decks.operations.resize import resize_deck
from seedx_tools.decks.operations.sources import add_sources
from seedx_tools.decks.outline import ChartData, ChartSeries, Column, Outline, Planner, Quote, SlidePlan, TableData
from seedx_tools.decks.planners.chat_model import ChatModelPlanner
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.repair.chat_model import ChatModelReviewer
from seedx_tools.decks.repair.review import DeckReviewer, ReviewPage, SlideRevision
from seedx_tools.decks.results import Deck, DeckSlide
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.slide_copies import duplicate_slide, merge_decks
from seedx_tools.decks.slide_order import delete_slide, move_slide
from seedx_tools.decks.template_report import LayoutUse, TemplateReport, check_template
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.visuals import Visual, VisualItem, VisualLink
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.image_backends import FolderImages, ImageBackend, MemoryImages
from seedx_tools.image_store import ImageStore
from seedx_tools.stories.chat_model_planner import ChatModelStoryPlanner
from seedx_tools.stories.make import Story, StoryPage, tell_story
from seedx_tools.stories.plan import Character, PagePlan, StoryPlan, StoryPlanner
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Outcome, Toolbox
from seedx_tools.workspace import Workspace

__all__ = [
    "TOOLS",
    "Brand",
    "Character",
    "ChartData",
    "ChartSeries",
    "ChatModelLayout",
    "ChatModelPlanner",
    "ChatModelReviewer",
    "ChatModelStoryPlanner",
    "Column",
    "Deck",
    "DeckOrder",
    "DeckOutline",
    "DeckReport",
    "DeckReviewer",
    "DeckSlide",
    "Finding",
    "FolderImages",
    "Footer",
    "ImageBackend",
    "ImageStore",
    "LayoutPlanner",
    "LayoutUse",
    "MemoryImages",
    "Outcome",
    "Outline",
    "OutlinePlanner",
    "PagePlan",
    "PageSize",
    "Planner",
    "Quote",
    "Region",
    "ReviewPage",
    "SlidePlan",
    "SlideRevision",
    "Story",
    "StoryPage",
    "StoryPlan",
    "StoryPlanner",
    "TableData",
    "TemplateReport",
    "TemplateStoryPlanner",
    "Tool",
    "ToolFailed",
    "ToolRetry",
    "Toolbox",
    "Visual",
    "VisualItem",
    "VisualLink",
    "Workspace",
    "add_sources",
    "append_slides",
    "change_template",
    "check_deck",
    "check_template",
    "deck_to_pdf",
    "deck_to_png",
    "delete_slide",
    "duplicate_slide",
    "edit_deck",
    "insert_slide",
    "make_slides",
    "make_slides_async",
    "merge_decks",
    "move_slide",
    "read_deck",
    "resize_deck",
    "revise_slide",
    "tell_story",
    "vocabulary_of",
]
