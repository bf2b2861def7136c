"""The designer: an image with its idea, changes made to the user's image, and what remains after a failure."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from seedx_agents import Change, Design, Designer
from seedx_sdk import Box, ImageError, InputError, Message, ModelError, PromptError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import ToolFailed
from tests.agents.conftest import Script

CHANGES = [
    {"instruction": "make the house blue", "reason": "Blue is calm."},
    {"instruction": "add a yellow star", "reason": "It shines."},
]


def test_the_real_model_draws_from_an_intent_and_changes_the_image(nano: SeedX) -> None:
    designer = Designer(nano, seed=7, num_inference_steps=4)
    design = designer.draw("a poster with a red house and a green tree in a meadow")
    assert design.prompt == "a red house and a green tree in a meadow"
    assert design.idea.startswith("Planned with ") and "red house" in design.idea and design.seen in design.idea
    assert "red house" in design.seen and design.warnings[-1].startswith("without a chat model the idea only says how")
    shown = designer.propose(design.image, count=2)
    assert [proposal.change.instruction for proposal in shown.proposals][0].startswith("make the ")
    for proposal in shown.proposals:
        assert proposal.image is not None and proposal.image.tobytes() != design.image.tobytes() and proposal.seen
    assert shown.seen == design.seen


def test_a_chat_model_has_the_idea_and_fixes_a_prompt(seedx: SeedX, script: Script) -> None:
    wrong = ("Idea", {"prompt": "a <img> house", "idea": "Home."})
    chat_model = script(wrong, ("Idea", {"prompt": "a red house", "idea": "Home is warm."}))
    design = Designer(seedx, chat_model).draw("something that says home")
    assert (design.prompt, design.idea) == ("a red house", "Home is warm.")
    assert "generate: prompt contains '<img>'" in chat_model.seen[1][2].text
    assert Design.model_validate_json(design.model_dump_json()).image.tobytes() == design.image.tobytes()


def test_a_chat_model_sees_the_image_and_its_changes_are_made_to_it(
    seedx: SeedX, engine: ScriptedEngine, script: Script, picture: Image.Image
) -> None:
    chat_model = script(("Changes", {"changes": CHANGES}))
    reports: list[tuple[int, int, str]] = []
    shown = Designer(seedx, chat_model, seed=3).propose(
        picture, "calmer", count=2, on_progress=lambda *report: reports.append(report)
    )
    assert [proposal.change for proposal in shown.proposals] == [Change(**change) for change in CHANGES]
    edits = [request for request in engine.requests if request.task == "edit"]
    assert [request.options.seed for request in edits] == [3, 4]
    assert all(request.messages[-1].images == (picture,) for request in edits), "each change is made to the given image"
    text, image = list(chat_model.seen[0][1].content)
    assert isinstance(text, dict) and "calmer" in text["text"]
    assert isinstance(image, dict) and image["type"] == "image"
    assert reports == [(0, 2, "make the house blue"), (1, 2, "add a yellow star"), (2, 2, "done")]
    blind = script(("Changes", {"changes": CHANGES}))
    Designer(seedx, blind, show_images=False).propose(picture, count=2)
    assert len(blind.seen[0][1].content) == 1


def test_a_change_that_cannot_be_done_is_replaced_by_the_chat_model(
    seedx: SeedX, script: Script, picture: Image.Image
) -> None:
    broken = {"instruction": "<img>", "reason": "?"}
    chat_model = script(("Changes", {"changes": [CHANGES[0], broken]}), ("Change", CHANGES[1]))
    shown = Designer(seedx, chat_model).propose(picture, count=2)
    assert shown.proposals[1].change.instruction == "add a yellow star" and shown.proposals[1].image is not None
    assert "'<img>' cannot be done: edit: instruction contains" in chat_model.seen[1][1].text


def test_changes_made_before_a_failure_are_kept(script: Script, picture: Image.Image) -> None:
    blue = Image.new("RGB", (8, 8), "blue")
    replies: list[Any] = ["a house", blue, "a blue house", ModelError("out of memory")]
    engine = ScriptedEngine([part if isinstance(part, Exception) else Message.assistant(part) for part in replies])
    shown = Designer(SeedX(engine=engine), script(("Changes", {"changes": CHANGES}))).propose(picture, count=2)
    first, second = shown.proposals
    assert first.image is not None and first.seen == "a blue house" and shown.seen == "a house"
    assert second.image is None and second.change.instruction == "add a yellow star"
    assert shown.warnings == ("stopped at change 2: edit: out of memory",)


def test_rules_use_what_the_model_sees_and_the_wish_comes_first(picture: Image.Image) -> None:
    engine = ScriptedEngine([Message.assistant("A meadow with one red house and one green tree.")])
    shown = Designer(SeedX(engine=engine)).propose(picture, "remove the tree", count=8)
    assert [proposal.change.instruction for proposal in shown.proposals] == [
        "remove the tree",
        "make the house blue",
        "change the background to a beach",
        "add a yellow star",
        "make the tree red",
        "change the background to a night sky",
        "add a pink flower",
        "change the background to a snowy field",
    ]
    assert "without a chat model the changes follow rules" in shown.warnings


def test_the_arrangement_says_where_things_are() -> None:
    from seedx_agents.designer.rules import arrangement

    corners = {"cat": (0.0, 0.0, 0.2, 0.2), "dog": (0.7, 0.4, 0.9, 0.6), "hat": (0.4, 0.8, 0.6, 1.0)}
    boxes = [Box.on(label, box, (10, 10)) for label, box in corners.items()]
    text = "Planned with cat at the upper left, dog on the right and hat at the bottom. The result shows: pets"
    assert arrangement(boxes, "pets") == text
    assert arrangement([], "pets") == "The image shows: pets"


def test_a_model_with_an_open_vocabulary_has_its_own_ideas(picture: Image.Image) -> None:
    texts = ["a room", "1. Add a lamp\n2) Paint the wall\n- Open the window"]
    engine = ScriptedEngine([Message.assistant(text) for text in texts])
    engine.info = engine.info.model_copy(update={"is_picture_book": False})
    designer = Designer(SeedX(engine=engine))
    shown = designer.propose(picture, count=3)
    assert [p.change.instruction for p in shown.proposals] == ["Add a lamp", "Paint the wall", "Open the window"]
    assert designer.draw("the idea of freedom").idea == "a scripted answer about 1 picture(s)"
    assert engine.requests[-1].messages[-1].text == "Explain the creative idea of this image."


def test_what_the_picture_book_model_cannot_draw_is_a_warning(seedx: SeedX) -> None:
    assert "scripted cannot draw 'justice': the image is only decorative" in Designer(seedx).draw("justice").warnings


@pytest.mark.parametrize("answer", [("Idea", {"prompt": ""}), "no structure", ConnectionError("no route")])
def test_a_chat_model_that_gives_nothing_usable_is_a_typed_error(seedx: SeedX, script: Script, answer: Any) -> None:
    with pytest.raises(ToolFailed, match="no valid Idea in 3 tries|the chat model failed: no route"):
        Designer(seedx, script(answer)).draw("home")


def test_bad_input(seedx: SeedX, engine: ScriptedEngine, picture: Image.Image) -> None:
    designer = Designer(seedx)
    with pytest.raises(PromptError):
        designer.draw(" ")
    with pytest.raises(ImageError):
        designer.propose("missing.png")
    for count in (0, 9):
        with pytest.raises(InputError, match="use 1 to 8"):
            designer.propose(picture, count=count)
    assert engine.requests == []
