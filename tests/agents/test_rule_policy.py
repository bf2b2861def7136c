"""The rules of an assistant without a chat model: which calls the requests of people become, and which they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seedx_agents import Assistant, Turn
from seedx_agents.assistant.image_references import mark_images
from seedx_agents.assistant.request_rules import Action, read_request
from seedx_sdk import Message, ModelError, SeedX
from seedx_sdk.testing import ScriptedEngine

Call = tuple[str, dict[str, Any]]


def edit(image: int, instruction: str) -> Call:
    return "edit", {"image": f"image:{image}", "instruction": instruction}


def draw(prompt: str, **more: Any) -> Call:
    return "generate", {"prompt": prompt, **more}


def look(*images: int, question: str | None = None) -> Call:
    asked = {} if question is None else {"question": question}
    return "describe", {"images": [f"image:{number}" for number in images], **asked}


def find(image: int, phrase: str) -> Call:
    return "detect", {"image": f"image:{image}", "phrase": phrase}


def save(image: int, path: str) -> Call:
    return "save_image", {"image": f"image:{image}", "path": path}


def slides(prompt: str, path: str = "deck.pptx") -> Call:
    return "make_slides", {"prompt_or_outline": prompt, "path": path}


def story(prompt: str, path: str = "story.html", **more: Any) -> Call:
    return "tell_story", {"prompt": prompt, "path": path, **more}


@pytest.fixture
def assistant(seedx: SeedX, picture: Image.Image, tmp_path: Path) -> Assistant:
    """An assistant that was shown image:1 ("yard"), drew image:2 and made image:3 of it."""
    assistant = Assistant(seedx, roots=[tmp_path])
    assistant.ask("look at this", {"yard": picture})
    assistant.ask("draw a boat")
    assistant.ask("make the boat red")
    return assistant


REQUESTS: list[tuple[str, list[Call]]] = [
    # drawing
    ("Could you draw a blue boat?", [draw("a blue boat")]),
    ("please draw me a cat, thanks!", [draw("a cat")]),
    ("make a picture of a cat", [draw("a cat")]),
    ("I'd like a picture of a red cat", [draw("a red cat")]),
    ("a picture of a blue cat", [draw("a blue cat")]),
    ("make a red house in the snow", [draw("a red house in the snow")]),
    ("show me a red boat", [draw("a red boat")]),
    ("draw a red house and a blue boat", [draw("a red house and a blue boat")]),
    ("draw a red house and then a blue boat", [draw("a red house"), draw("a blue boat")]),
    ("draw a red house. Then draw a blue boat.", [draw("a red house"), draw("a blue boat")]),
    ("draw two pictures: a house and a boat", [draw("a house"), draw("a boat")]),
    ("draw two images of a cat", [draw("a cat"), draw("a cat", seed=1)]),
    ("draw a picture of a house and a picture of a boat", [draw("a house"), draw("a boat")]),
    ("draw two cats", [draw("two cats")]),
    ("draw another house", [draw("a house")]),
    ("draw an undo button", [draw("an undo button")]),
    ("draw a story book", [draw("a story book")]),
    ("draw a slide in a playground", [draw("a slide in a playground")]),
    ("draw a boy who likes to draw and a girl", [draw("a boy who likes to draw and a girl")]),
    ("draw a house and make it blue", [draw("a house"), edit(4, "make it blue")]),
    ("another one", [("edit", {**edit(2, "make the boat red")[1], "seed": 1})]),
    ("try again", [("edit", {**edit(2, "make the boat red")[1], "seed": 1})]),
    # editing
    ("Make the house blue.", [edit(3, "Make the house blue")]),
    ("paint the house red", [edit(3, "paint the house red")]),
    ("can you remove the tree?", [edit(3, "remove the tree")]),
    ("make it snow", [edit(3, "make it snow")]),
    ("make the house blue and remove the tree", [edit(3, "make the house blue"), edit(4, "remove the tree")]),
    ("make the house blue, then remove the tree", [edit(3, "make the house blue"), edit(4, "remove the tree")]),
    ("Make the house blue. Also add a star!", [edit(3, "Make the house blue"), edit(4, "add a star")]),
    ("make the house blue and the tree red", [edit(3, "make the house blue"), edit(4, "make the tree red")]),
    ("make the house and the tree blue", [edit(3, "make the house blue"), edit(4, "make the tree blue")]),
    ("add a red boat and a star", [edit(3, "add a red boat"), edit(4, "add a star")]),
    ("add a tree, a car and a cat", [edit(3, "add a tree"), edit(4, "add a car"), edit(5, "add a cat")]),
    ("add a tree between the house and the boat", [edit(3, "add a tree between the house and the boat")]),
    ("remove the slide from the playground", [edit(3, "remove the slide from the playground")]),
    ("change the background to snow", [edit(3, "change the background to snow")]),
    ("find the boat and make it green", [find(3, "the boat"), edit(3, "make the boat green")]),
    # an earlier image
    ("image:2, make the boat green", [edit(2, "make the boat green")]),
    ("yard: remove the tree", [edit(1, "remove the tree")]),
    ("make the house blue in yard", [edit(1, "make the house blue")]),
    ("paint the yard green", [edit(3, "paint the yard green")]),
    ("in the first image, add a star", [edit(1, "add a star")]),
    ("take the original and add a star", [edit(2, "add a star")]),
    ("the one before, make the boat green", [edit(2, "make the boat green")]),
    ("use image 1 again and add a star and a cat", [edit(1, "add a star"), edit(4, "add a cat")]),
    ("make the boat blue in both images", [edit(2, "make the boat blue"), edit(3, "make the boat blue")]),
    ("go back to the first one and describe it", [look(1)]),
    ("the first one was better, go back to it and add a star", [edit(1, "add a star")]),
    ("add a star, undo that and add a cat", [edit(3, "add a star"), edit(3, "add a cat")]),
    ("I want to undo the last thing you did and add a cat", [edit(2, "add a cat")]),
    ("undo that and make the boat green", [edit(2, "make the boat green")]),
    # looking
    ("what do you see?", [look(3)]),
    ("Tell me what you see", [look(3)]),
    ("describe the second picture", [look(2)]),
    ("what is in image:1?", [look(1)]),
    ("what colors are there?", [look(3, question="what colors are there?")]),
    ("what different colors are there?", [look(3, question="what different colors are there?")]),
    ("how many houses are there", [look(3, question="how many houses are there?")]),
    ("count the cats", [look(3, question="how many cats are there?")]),
    ("tell me what color the house is", [look(3, question="what color is the house?")]),
    ("is there a cat in image:2?", [look(2, question="is there a cat?")]),
    ("is there a slide in the picture?", [look(3, question="is there a slide in the picture?")]),
    ("is the house the same color as the tree?", [look(3, question="is the house the same color as the tree?")]),
    ("where is the tree in yard?", [find(1, "the tree")]),
    ("find the house and the tree", [find(3, "the house"), find(3, "the tree")]),
    # comparing
    ("what is different between image:1 and image:2?", [look(1), look(2)]),
    ("compare the first and the second image", [look(1), look(2)]),
    ("compare yard and image:3", [look(1), look(3)]),
    ("what changed?", [look(2), look(3)]),
    ("what's the difference?", [look(2), look(3)]),
    ("compare it with the original", [look(2), look(3)]),
    ("add a star and tell me what changed", [edit(3, "add a star"), look(3), look(4)]),
    ("which picture has more trees?", [look(2), look(3)]),
    ("describe what is different now", [look(2), look(3)]),
    # saving
    ("save it as house.png", [save(3, "house.png")]),
    ("save the first one as \"my yard.png\", please", [save(1, "my yard.png")]),
    ("Save both images as a.png and b.png", [save(2, "a.png"), save(3, "b.png")]),
    ("save it", [save(3, "image.png")]),
    ("save image:2 as a jpg", [save(2, "image.jpg")]),
    ("make the boat blue and save it as blue.png", [edit(3, "make the boat blue"), save(4, "blue.png")]),
    # decks and stories
    ("make a story", [story("make a story")]),
    ("a 1-page tale: a cat", [story("a 1-page tale: a cat", pages=1)]),
    ("tell a two page story and save it as cat.pdf", [story("tell a two page story", "cat.pdf", pages=2)]),
    ("slides on cats as talk.pptx", [slides("slides on cats", "talk.pptx")]),
    ("make 2 slides about history", [slides("make 2 slides about history")]),
    # what is not one of these
    ("can I undo this?", []),
    ("what does undo do?", []),
    ("how do I save it?", []),
    ("did you save it?", []),
    ("what can you do?", []),
    ("undo the blue roof", []),
    ("rotate the image", []),
    ("save it to my phone", []),
    ("delete image:2", []),
    ("the story was nice", []),
    ("what did I ask before?", []),
    ("tell me a joke", []),
    ("go back to the picture of the cat", []),
    ("thanks!", []),
]  # fmt: skip


@pytest.mark.parametrize(("request_text", "calls"), REQUESTS, ids=[text for text, _ in REQUESTS])
def test_the_calls_of_a_request(assistant: Assistant, request_text: str, calls: list[Call]) -> None:
    turn = assistant.ask(request_text)
    assert [(step.tool, step.args) for step in turn.steps] == calls
    assert turn.ending == "answered" and all(step.outcome == "done" for step in turn.steps)


def images_of(*turns: Turn) -> list[tuple[str, ...]]:
    return [turn.images for turn in turns]


class TestGoingBack:
    def test_undo_takes_back_one_request_at_a_time_and_redo_restores_it(self, assistant: Assistant) -> None:
        two = assistant.ask("make the boat blue and add a star")
        assert two.images == ("image:4", "image:5")
        back = assistant.ask("undo that")
        assert (back.text, back.images, back.steps) == ("Undone: back at image:3.", ("image:3",), ())
        assert assistant.ask("what do you see?").steps[0].args == {"images": ["image:3"]}
        assert assistant.ask("undo").images == ("image:2",)
        assert assistant.ask("redo").images == ("image:3",)
        assert assistant.ask("redo").text == "Redone: back at image:5."
        assert assistant.ask("undo the last two changes").images == ("image:2",)
        assert assistant.ask("go back").images == ("image:1",)
        nothing = assistant.ask("undo")
        assert (nothing.text, nothing.images) == ("There is no change to undo; the conversation is at image:1.", ())
        assert assistant.ask("add a star").steps[0].args["image"] == "image:1"
        assert assistant.ask("redo").text == "There is nothing to redo; the conversation is at image:6."

    def test_an_earlier_image_is_used_until_that_is_undone(self, assistant: Assistant) -> None:
        assert assistant.ask("Use the first one again.").text == "Back at image:1."
        assert assistant.ask("add a star").steps[0].args["image"] == "image:1"
        assert assistant.ask("image:2").images == ("image:2",)
        assert assistant.ask("undo").images == ("image:4",)
        assert assistant.ask("the one before").images == ("image:1",)

    def test_a_saved_conversation_can_be_undone(self, assistant: Assistant, seedx: SeedX, tmp_path: Path) -> None:
        assistant.ask("undo")
        again = Assistant.load(assistant.save(tmp_path / "talk"), seedx)
        assert again.ask("redo").images == ("image:3",)
        assert again.ask("undo").images == ("image:2",)

    def test_files_are_not_undone(self, assistant: Assistant, tmp_path: Path) -> None:
        assistant.ask("save it as boat.png")
        undone = assistant.ask("undo that")
        assert undone.text == "Undone: back at image:2.\nFiles are not undone: boat.png stays."
        assert (tmp_path / "boat.png").is_file()

    @pytest.mark.parametrize(
        ("prompt", "answer"),
        [
            ("use the fifth image", "There is no fifth image; the images are image:1, image:2, image:3."),
            ("go back to image:9", "There is no image 'image:9'; use image:1 (yard), image:2, image:3"),
            ("undo twice", "Undone: back at image:1."),
            ("undo the last 5 changes", "There are not 5 changes to undo; the conversation is at image:3."),
        ],
    )
    def test_going_where_nothing_is(self, assistant: Assistant, prompt: str, answer: str) -> None:
        turn = assistant.ask(prompt)
        assert turn.text.startswith(answer) and turn.steps == ()

    def test_without_an_image_there_is_nothing_to_do(self, seedx: SeedX, engine: ScriptedEngine) -> None:
        assistant = Assistant(seedx)
        for prompt in ("make the house blue", "find the house", "save it", "what do you see?", "compare them"):
            assert "There is no image yet: draw one or give one." in assistant.ask(prompt).text, prompt
        assert assistant.ask("undo").text == "There is nothing to undo: no image was made yet."
        assert assistant.ask("try again").text == "There is nothing to try again: no image was made yet."
        assert engine.requests == []


class TestSeveralImages:
    def test_a_comparison_names_what_only_one_image_shows(self, picture: Image.Image) -> None:
        seen = ["a meadow with a red house and a green tree", "a meadow with a blue house and a green tree"]
        assistant = Assistant(SeedX(engine=ScriptedEngine([Message.assistant(text) for text in seen])))
        turn = assistant.ask("compare them", [picture, Image.new("RGB", (8, 8))])
        assert turn.text.splitlines() == [
            f"image:1: {seen[0]}",
            f"image:2: {seen[1]}",
            "Only image:1 shows: red house.",
            "Only image:2 shows: blue house.",
        ]

    def test_the_same_description_says_so(self, picture: Image.Image) -> None:
        engine = ScriptedEngine([Message.assistant("a red house")] * 2)
        turn = Assistant(SeedX(engine=engine)).ask("what is different?", [picture, Image.new("RGB", (8, 8))])
        assert turn.text.endswith("the images may differ in what they do not name.")

    def test_a_model_with_an_open_vocabulary_sees_both(self, picture: Image.Image) -> None:
        engine = ScriptedEngine([Message.assistant("The second one is darker.")])
        engine.info = engine.info.model_copy(update={"is_picture_book": False})
        turn = Assistant(SeedX(engine=engine)).ask(
            "What is different between image:1 and image:2?", [picture, Image.new("RGB", (8, 8))]
        )
        question = "What is different between the first image and the second image?"
        assert [step.args for step in turn.steps] == [{"images": ["image:1", "image:2"], "question": question}]
        assert turn.text == "The second one is darker."

    def test_one_image_cannot_be_compared(self, seedx: SeedX, picture: Image.Image) -> None:
        turn = Assistant(seedx).ask("what is different?", picture)
        assert turn.text == "There is only image:1 to look at; draw or give another one." and turn.steps == ()

    def test_the_first_one_of_several_given_is_the_first_of_them(self, assistant: Assistant) -> None:
        shades = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (1, 2)]
        turn = assistant.ask("describe the first one and make the second one blue", shades)
        assert [step.args.get("images") or step.args["image"] for step in turn.steps] == [["image:4"], "image:5"]


class TestAnswers:
    def test_what_no_rule_matches_names_what_can_be_done(self, assistant: Assistant) -> None:
        alone = assistant.ask("rotate the image")
        assert alone.text.startswith("No rule matches this request. I can draw ('draw a red house in a meadow'), look")
        assert "undo" in alone.text and "save it as house.png" in alone.text and "no image yet" not in alone.text
        partly = assistant.ask("make the boat blue and send it to Bob")
        assert [step.tool for step in partly.steps] == ["edit"]
        assert "The image is image:4." in partly.text and "No rule matches 'send it to Bob'. I can" in partly.text

    def test_a_call_that_fails_ends_the_rest(self, picture: Image.Image) -> None:
        engine = ScriptedEngine([Message.assistant(picture), ModelError("out of memory")])
        turn = Assistant(SeedX(engine=engine)).ask("draw a house, then make it blue and save it as house.png")
        assert [step.outcome for step in turn.steps] == ["done", "failed"] and turn.ending == "failed"
        assert turn.text == "Stopped: edit: out of memory. Images made before: image:1."

    def test_a_call_that_is_not_valid_ends_the_rest(self, assistant: Assistant, tmp_path: Path) -> None:
        turn = assistant.ask("save image:9 as a.png and make the boat blue")
        assert [step.outcome for step in turn.steps] == ["mistake"] and turn.ending == "answered"
        assert "image:9" in turn.text and list(tmp_path.iterdir()) == []

    def test_a_tool_that_the_assistant_lacks_is_named(self, seedx: SeedX, picture: Image.Image) -> None:
        turn = Assistant(seedx, tools=["describe"]).ask("make the house blue", picture)
        assert turn.text == "This needs the tool edit, which this assistant does not have." and turn.steps == ()

    def test_a_file_of_the_user_is_kept(self, assistant: Assistant, tmp_path: Path) -> None:
        (tmp_path / "house.png").write_bytes(b"mine")
        turn = assistant.ask("save it as house.png")
        assert [step.outcome for step in turn.steps] == ["mistake"] and "house.png" in turn.text
        assert (tmp_path / "house.png").read_bytes() == b"mine"

    def test_an_upload_is_known_by_the_name_of_its_file(self, assistant: Assistant, picture: Image.Image) -> None:
        assistant.ask("look at this", {"IMG_1234.JPG": picture.rotate(90)})
        assistant.ask("draw a cat")
        turn = assistant.ask("img_1234.jpg: make it blue, then compare it with IMG_1234.JPG")
        assert [(step.tool, step.args.get("image")) for step in turn.steps] == [
            ("edit", "image:4"),
            ("describe", None),
            ("describe", None),
        ]
        assert [step.args["images"] for step in turn.steps[1:]] == [["image:4"], ["image:6"]]

    def test_names_of_saved_files_are_free_ones(self, assistant: Assistant, tmp_path: Path) -> None:
        assert [assistant.ask("save it").steps[0].args["path"] for _ in range(2)] == ["image.png", "image-2.png"]
        turn = assistant.ask("save all images")
        assert [step.args["path"] for step in turn.steps] == ["image-3.png", "image-4.png", "image-5.png"]
        assert len({*tmp_path.iterdir()}) == 5
        with Image.open(tmp_path / "image.png") as saved:
            assert saved.tobytes() == assistant.album["image:3"].tobytes()


@pytest.mark.parametrize(
    ("text", "marked", "references"),
    [
        ("compare IMG_1234.JPG and image:7", "compare \ufffc and \ufffc", ("IMG_1234.JPG", "image:7")),
        ("img_1234.jpg: add a cat", "\ufffc: add a cat", ("IMG_1234.JPG",)),
        ("my cat.png is nice", "\ufffc is nice", ("my cat.png",)),
        ("make the cat blue", "make the cat blue", ()),
        ("describe cat", "describe \ufffc", ("cat",)),
        ("the last image and picture 2", "\ufffc and \ufffc", ("current", "image:2")),
        ("make both houses blue", "make both houses blue", ()),
        ("paint all the pictures", "paint \ufffc", ("all",)),
        ("keep the original color", "keep the original color", ()),
    ],
)
def test_words_that_mean_an_image(text: str, marked: str, references: tuple[str, ...]) -> None:
    assert mark_images(text, ["IMG_1234.JPG", "my cat.png", "cat"]) == (marked, references)


def test_a_request_is_read_once_for_each_clause() -> None:
    assert read_request("use the first one, make it blue and save it as a jpg", []) == [
        Action("edit", "make it blue", ("first",)),
        Action("save", "save it as a jpg", files=(".jpg",)),
    ]
