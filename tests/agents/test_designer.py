"""The designer: an image with its idea, changes made to the user's image, and what remains after a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_agents import Change, Design, Designer
from seedx_agents.designer.look import Expected, expected_of_change
from seedx_sdk import Box, ImageError, InputError, Message, ModelError, OutputPathError, PromptError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import ToolFailed
from seedx_tools.illustration.prompts import PICTURE_BOOK
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
    assert "prompt: the image model does not know 'img'; use words that it knows" in chat_model.seen[1][-1].text
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
    assert "'<img>' cannot be done: the image model does not know 'img'" in chat_model.seen[1][1].text


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


def said(*parts: str | Image.Image) -> list[Message]:
    return [Message.assistant(part) for part in parts]


class TestLooking:
    """What the designer sees, and what it does when that contradicts the idea."""

    def test_words_that_the_model_does_not_know_go_back_to_the_chat_model(
        self, seedx: SeedX, engine: ScriptedEngine, script: Script
    ) -> None:
        strange = ("Idea", {"prompt": "a dragon over a castle", "idea": "Power."})
        chat_model = script(strange, ("Idea", {"prompt": "a red star in the night sky", "idea": "Far."}))
        design = Designer(seedx, chat_model).draw("power")
        assert design.prompt == "a red star in the night sky"
        assert "does not know 'dragon', 'castle'" in chat_model.seen[1][-1].text
        assert [request.task for request in engine.requests] == ["generate", "describe"]

    def test_an_idea_that_stays_beyond_the_model_is_drawn_as_far_as_it_goes(self, seedx: SeedX, script: Script) -> None:
        strange = ("Idea", {"prompt": "a dragon beside a red house", "idea": "Power."})
        chat_model = script(strange)
        design = Designer(seedx, chat_model, retries=1).draw("power")
        assert len(chat_model.seen) == 2 and design.idea == "Power."
        assert "red house" in design.prompt and "dragon" not in design.prompt
        assert "scripted does not know 'dragon', which the image does not show" in design.warnings

    def test_an_image_that_contradicts_the_idea_goes_back_with_what_is_seen(
        self, picture: Image.Image, script: Script
    ) -> None:
        engine = ScriptedEngine(said(picture, "A beach with one blue house.", picture, "A meadow with one red house."))
        answer = ("Idea", {"prompt": "a red house in a meadow", "idea": "Home."})
        chat_model = script(answer, answer)
        design = Designer(SeedX(engine=engine), chat_model, seed=4).draw("home")
        fault = "a blue house instead of a red house, on the beach instead of in a meadow"
        assert f"shows 'A beach with one blue house.', with {fault}" in chat_model.seen[1][-1].text
        assert (design.faults, design.seed, design.seen) == ((), 5, "A meadow with one red house.")
        assert [request.options.seed for request in engine.requests if request.task == "generate"] == [4, 5]

    def test_the_best_of_bounded_tries_is_kept_with_what_is_missing(self, picture: Image.Image, script: Script) -> None:
        texts = ["A room with one cat.", "A room with one red house.", "A room with one hat."]
        engine = ScriptedEngine(said(*(part for text in texts for part in (picture, text))))
        chat_model = script(("Idea", {"prompt": "a red house and a green tree", "idea": "Home."}))
        design = Designer(SeedX(engine=engine), chat_model).draw("home")
        assert len(chat_model.seen) == 3 and design.seen == "A room with one red house."
        assert design.faults == ("no green tree",)
        assert design.warnings == ("the image was made 3 times and is not what it should be: no green tree",)

    def test_without_a_chat_model_the_same_prompt_is_drawn_again(self, picture: Image.Image) -> None:
        engine = ScriptedEngine(said(picture, "A meadow with one cat.", picture, "A meadow with one red house."))
        design = Designer(SeedX(engine=engine), seed=7).draw("a red house in a meadow")
        assert (design.seed, design.faults) == (8, ())

    def test_a_change_that_cannot_be_seen_is_replaced(self, picture: Image.Image, script: Script) -> None:
        engine = ScriptedEngine(
            said("A meadow with one red house.", picture, "A meadow with one red house.", picture, "One blue house.")
        )
        chat_model = script(("Changes", {"changes": [CHANGES[1]]}), ("Change", CHANGES[0]))
        shown = Designer(SeedX(engine=engine), chat_model).propose(picture, count=1)
        (proposal,) = shown.proposals
        assert (proposal.change.instruction, proposal.faults) == ("make the house blue", ())
        assert "'add a yellow star' cannot be done: the result shows 'A meadow" in chat_model.seen[1][1].text
        assert (
            "instead of a yellow star" in chat_model.seen[1][1].text or "no yellow star" in chat_model.seen[1][1].text
        )

    def test_a_change_that_never_shows_is_a_warning(self, picture: Image.Image) -> None:
        seen = "A meadow with one red house."
        engine = ScriptedEngine(said(seen, *(part for _ in range(3) for part in (picture, seen))))
        shown = Designer(SeedX(engine=engine), seed=2).propose(picture, "remove the house", count=1)
        assert shown.proposals[0].faults == ("still a house",)
        assert [request.options.seed for request in engine.requests if request.task == "edit"] == [2, 102, 202]
        assert "'remove the house' was made 3 times and is not what it should be: still a house" in shown.warnings

    def test_a_wish_in_other_words_becomes_what_can_be_done(self, picture: Image.Image) -> None:
        engine = ScriptedEngine(said("A meadow with one red house."))
        shown = Designer(SeedX(engine=engine)).propose(picture, "like christmas with a kitten", count=2)
        assert [proposal.change.instruction for proposal in shown.proposals] == [
            "change the background to a snowy field",
            "add an orange cat",
        ]
        assert "scripted does not know 'like', 'christmas', 'kitten' of the wish" in shown.warnings

    @pytest.mark.parametrize(
        ("instruction", "expected"),
        [
            ("make the house blue", Expected(("a blue house",))),
            ("Turn the red boat into green.", Expected(("a green boat",))),
            ("add a yellow star", Expected(("a yellow star",))),
            ("remove the green tree", Expected(gone=("a green tree",))),
            ("change the background to a beach", Expected(place="on the beach")),
            ("move the house to the left", Expected()),
        ],
    )
    def test_what_an_instruction_should_lead_to(self, instruction: str, expected: Expected) -> None:
        assert expected_of_change(Change(instruction=instruction, reason="?"), PICTURE_BOOK) == expected

    def test_other_models_detect_what_the_chat_model_names(self, picture: Image.Image, script: Script) -> None:
        engine = ScriptedEngine(said(picture, "a dark room", "nothing there"))
        engine.info = engine.info.model_copy(update={"is_picture_book": False})
        chat_model = script(("Idea", {"prompt": "a dragon asleep", "idea": "Power.", "shows": ["a dragon"]}))
        design = Designer(SeedX(engine=engine), chat_model, retries=0).draw("power")
        assert design.faults == ("no dragon",)


class TestRounds:
    """Several rounds on one design."""

    def test_accepted_changes_add_up_and_can_be_undone_and_saved(
        self, seedx: SeedX, engine: ScriptedEngine, script: Script, tmp_path: Path
    ) -> None:
        chat_model = script(("Idea", {"prompt": "a red house", "idea": "Home."}), ("Changes", {"changes": CHANGES}))
        designer = Designer(seedx, chat_model)
        first = designer.draw("home").image
        blue, star = designer.propose(wish="calmer", count=2).proposals
        assert designer.accept(blue) is blue and designer.image is blue.image
        again = designer.accept(star)
        assert again.change == star.change and again.image is designer.image and again.image is not star.image
        assert engine.requests[-2].messages[-1].images == (blue.image,), "made again from the design as it is now"
        assert [change.instruction for change in designer.changes] == ["make the house blue", "add a yellow star"]
        assert designer.undo() is blue.image
        with Image.open(designer.save(tmp_path / "house.png")) as saved:
            assert blue.image is not None and saved.tobytes() == blue.image.tobytes()
        assert designer.undo() is first and designer.changes == ()
        designer.save(tmp_path / "house.png")  # its own file
        with pytest.raises(InputError, match="no accepted change to undo"):
            designer.undo()

    def test_a_file_of_the_user_is_kept(self, seedx: SeedX, picture: Image.Image, tmp_path: Path) -> None:
        designer = Designer(seedx)
        designer.open(picture)
        (tmp_path / "mine.png").write_bytes(b"mine")
        with pytest.raises(OutputPathError, match="exists; choose another name, or pass overwrite=True"):
            designer.save(tmp_path / "mine.png")
        assert (tmp_path / "mine.png").read_bytes() == b"mine"
        designer.save(tmp_path / "mine.png", overwrite=True)
        assert (tmp_path / "mine.png").read_bytes() != b"mine"

    def test_a_proposal_without_an_image_is_made_when_it_is_accepted(self, picture: Image.Image) -> None:
        blue = Image.new("RGB", (8, 8), "blue")
        replies: list[Message | Exception] = [
            *said("a house"),
            ModelError("busy"),
            *said("a house", blue, "a blue house"),
        ]
        designer = Designer(SeedX(engine=ScriptedEngine(replies)))
        (proposal,) = designer.propose(picture, "make the house blue", count=1).proposals
        assert proposal.image is None
        assert designer.accept(proposal).seen == "a blue house"
        assert designer.image.tobytes() == blue.tobytes()

    def test_without_a_design_there_is_nothing_to_change(self, seedx: SeedX, tmp_path: Path) -> None:
        designer = Designer(seedx)
        for use in (lambda: designer.propose(), lambda: designer.save(tmp_path / "a.png"), lambda: designer.image):
            with pytest.raises(InputError, match="there is no design yet"):
                use()
