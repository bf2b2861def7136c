"""The public names of the packages are pinned, and documentation uses no others."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PUBLIC = {
    "seedx_sdk": [
        "AnswerFormatError",
        "AsyncSeedX",
        "Box",
        "BoxFound",
        "ChatReply",
        "DeadlineError",
        "Description",
        "Detection",
        "DeviceMemoryError",
        "EditedImage",
        "GeneratedImage",
        "GenerationCancelled",
        "ImageDone",
        "ImageError",
        "ImagePart",
        "ImageProgress",
        "InputError",
        "Message",
        "MissingExtraError",
        "ModelError",
        "ModelInfo",
        "Notice",
        "OutputPathError",
        "OverloadedError",
        "PromptError",
        "ReplyDone",
        "Result",
        "SeedX",
        "SeedXError",
        "ServiceError",
        "SizeError",
        "SpecialistMissingError",
        "StreamEvent",
        "TemplateError",
        "TextDelta",
        "TextPart",
        "TryOnImage",
        "WeightsCorruptError",
        "WeightsMissingError",
    ],
    "seedx_sdk.testing": [
        "ScriptedEngine",
    ],
    "seedx_tools": [
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
    ],
    "seedx_tools.adapters.langchain": [
        "PROGRESS_EVENT",
        "ChatSeedX",
        "LangGraphImages",
        "SeedXTool",
        "SeedXToolkit",
        "seedx_toolkit",
    ],
    "seedx_tools.adapters.langchain_images": ["SeedXImages"],
    "seedx_tools.adapters.mcp": [
        "http_app",
        "mcp_server",
    ],
    "seedx_tools.adapters.openai": [
        "arguments_of",
        "chat_replies",
        "chat_tools",
        "name_uploads",
        "response_outputs",
        "response_tools",
    ],
    "seedx_tools.adapters.openai_agents": [
        "agent_tools",
    ],
    "seedx_tools.adapters.smolagents": [
        "NamedImage",
        "SeedXTool",
        "agent_tools",
    ],
    "seedx_agents": [
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
    ],
    "seedx_finetune": ["Judge", "Scene", "evaluate", "render", "sample_edit", "sample_scene"],
}
"""The names that users may rely on: constants, then classes, then functions, each in alphabetical order."""


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these_and_can_be_imported(module: str) -> None:
    imported = importlib.import_module(module)
    assert list(imported.__all__) == PUBLIC[module]
    assert PUBLIC[module] == sorted(PUBLIC[module], key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert [name for name in PUBLIC[module] if not hasattr(imported, name)] == []


def sources() -> list[tuple[str, str]]:
    """Return the Python of the README, the docs and the examples, each with the file's name."""
    found = [(path.name, path.read_text(encoding="utf-8")) for path in sorted((ROOT / "examples").glob("*.py"))]
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        found += [(page.name, block) for block in blocks]
    return found


def is_public(module: str, name: str) -> bool:
    imported = importlib.import_module(module)
    is_submodule = hasattr(imported, "__path__") and importlib.util.find_spec(f"{module}.{name}") is not None
    return is_submodule or name in getattr(imported, "__all__", ())


def test_documentation_and_examples_import_only_public_names() -> None:
    imports = {
        (file, node.module, alias.name)
        for file, code in sources()
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("seedx_")
        for alias in node.names
    }
    assert {module for _, module, _ in imports} >= {"seedx_sdk", "seedx_tools", "seedx_agents"}
    assert sorted(found for found in imports if not is_public(*found[1:])) == []
