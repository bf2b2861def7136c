"""Stories whose words the caller wrote, through every door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seedx_sdk import InputError, PromptError, SeedX
from seedx_sdk.cli.main import app
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import TOOLS, Character, PagePlan, ToolRetry, tell_story
from seedx_tools.stories.own_pages import is_markdown_story, markdown_story
from seedx_tools.stories.save import check_story_path

MARKDOWN = """# Mina's boats

## Page 1
Mina counted *all* the boats.

There were three.
![a red cat and a blue boat on the beach](draw)

## The storm

One was missing.
"""
PAGES: list[dict[str, Any]] = [
    {"text": "Mina counted the boats.", "picture": "a blue boat on the beach", "characters": ["Mina"]},
    {"text": "One boat was missing.", "picture": "in the night sky", "characters": ["Mina", "Rex"]},
]
CAST = [{"name": "Mina", "looks": "a red cat"}, {"name": "Rex", "looks": "a brown dog"}]


def test_words_come_back_exactly_and_characters_look_alike(seedx: SeedX) -> None:
    story = tell_story(seedx, pages=PAGES, characters=CAST, title="Mina", check=False)
    assert [page.text for page in story.pages] == [page["text"] for page in PAGES]
    assert [page.image_prompt for page in story.pages] == [
        "a red cat and a blue boat on the beach",
        "a red cat and a brown dog in the night sky",
    ]
    assert (story.title, story.characters, story.warnings) == ("Mina", tuple(Character(**who) for who in CAST), ())
    same = tell_story(seedx, pages=[PagePlan(**page) for page in PAGES], characters=story.characters, check=False)
    assert [page.image_prompt for page in same.pages] == [page.image_prompt for page in story.pages]


def test_the_tool_takes_pages_and_has_their_schema_inline(seedx: SeedX) -> None:
    story = TOOLS["tell_story"].run(seedx, {"pages": PAGES, "characters": CAST, "check": False})
    assert [page.text for page in story.pages] == [page["text"] for page in PAGES]
    number, pages = TOOLS["tell_story"].schema()["parameters"]["properties"]["pages"]["anyOf"]
    assert (number["type"], number["maximum"], pages["maxItems"]) == ("integer", 40, 40)
    assert list(pages["items"]["properties"]) == ["text", "picture", "characters"]


@pytest.mark.parametrize(
    "characters", ["Mina, a red cat", ["Mina (a red cat)"], [{"name": "Mina", "looks": "a red cat"}]]
)
def test_characters_of_a_page_are_read_as_they_are_meant(seedx: SeedX, characters: Any) -> None:
    pages = [{"text": "Mina sat.", "characters": characters}, {"text": "Then Mina ran.", "picture": "Mina in a room"}]
    story = TOOLS["tell_story"].run(seedx, {"pages": pages, "check": False})
    assert story.characters == (Character(name="Mina", looks="a red cat"),)
    assert story.pages[1].image_prompt == "a red cat in a room" and len(story.pages) == 2
    assert len(TOOLS["tell_story"].run(seedx, {"prompt": "a red cat", "pages": "3", "check": False}).pages) == 3


def test_what_an_image_has_no_room_for_is_told(seedx: SeedX) -> None:
    page = {"text": "All aboard!", "picture": "The red cat and the brown dog go to the old boat at sea"}
    story = tell_story(seedx, pages=[page], check=False)
    assert story.pages[0].image_prompt == "a red cat and a brown dog on the beach"
    assert story.warnings == ("page 1: its image has room for red cat and brown dog only; left out: boat",)


def test_markdown_keeps_its_words(seedx: SeedX) -> None:
    story = TOOLS["tell_story"].run(seedx, {"prompt": MARKDOWN, "check": False})
    assert story.title == "Mina's boats"
    assert [page.text for page in story.pages] == [
        "Mina counted *all* the boats.\n\nThere were three.",
        "The storm\n\nOne was missing.",
    ]
    assert story.pages[0].image_prompt == "a red cat and a blue boat on the beach"
    assert not any("pages" in warning for warning in story.warnings)
    asked = tell_story(seedx, MARKDOWN, pages=5, check=False)
    assert asked.warnings[0] == "the story has 2 pages of its own, not 5"


@pytest.mark.parametrize(
    "text",
    [
        "# T\n\nOne.\n\n![a red cat](draw)\n\nTwo.\n\n![a blue boat](draw)",
        "# T\n![a red cat](draw)\n\nOne.\n\n![a blue boat](draw)\n\nTwo.",
        "# T\nOne.\n![a red cat](draw)\n---\nTwo.\n![a blue boat](draw)",
        "# T\nOne.\n![a red cat](draw)\n# 2\nTwo.\n![a blue boat](draw)",
    ],
)
def test_markdown_without_headings_has_a_page_for_each_paragraph_or_rule(text: str) -> None:
    assert [(page.text, page.picture) for page in markdown_story(text).pages] == [
        ("One.", "a red cat"),
        ("Two.", "a blue boat"),
    ]


def test_a_saved_folder_can_be_told_again_and_a_prompt_is_no_markdown(seedx: SeedX, tmp_path: Path) -> None:
    first = tell_story(seedx, pages=PAGES, characters=CAST, path=check_story_path(tmp_path / "mina"), check=False)
    again = markdown_story((tmp_path / "mina" / "story.md").read_text(encoding="utf-8"))
    assert [page.text for page in again.pages] == [page.text for page in first.pages]
    assert again.warnings == (
        "page 1 and page 2: the image file was not used; the image is drawn from its description",
    )
    assert not is_markdown_story("a red cat\n\nwho wants to sail") and not is_markdown_story("# A title only")


def test_who_is_not_explained_looks_as_the_first_image_says_or_gets_a_stand_in(seedx: SeedX) -> None:
    pages = [
        {"text": "Mina sat.", "picture": "a red cat on the beach", "characters": ["Mina"]},
        {"text": "Smaug came.", "picture": "Smaug and Mina", "characters": ["mina", "Smaug (a green dragon)"]},
        {"text": "Mina fled.", "characters": ["Mina"]},
    ]
    story = tell_story(seedx, pages=pages, check=False)
    assert [(who.name, who.looks) for who in story.characters] == [("Smaug", "a green dog"), ("Mina", "a red cat")]
    assert [page.image_prompt.rpartition(" in ")[0] or page.image_prompt for page in story.pages] == [
        "a red cat on the beach",
        "a red cat and a green dog",
        "a red cat",
    ]
    assert story.warnings == (
        "Mina looks as on page 1: a red cat; give characters to choose the looks",
        "the model cannot draw a green dragon: a green dog stands in for Smaug on every page",
    )


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"pages": [{"text": " "}]}, "pages: page 1: text is empty; write what the page says"),
        ({"pages": [{"text": "a"}, {"picture": "x"}]}, "pages: page 2: text is missing; every page needs it"),
        ({"pages": [{"text": "a", "image": "b"}]}, "pages: page 1: image is not a field of a page; use text, picture"),
        ({"pages": [{"text": "a", "characters": 3}]}, "pages: page 1: characters must be a list of names"),
        ({"pages": [{"text": 5}]}, "pages: page 1: text must be text"),
        ({"pages": ["a"] * 41}, "pages: pages has 41 pages; give 1 to 40"),
        ({"pages": []}, "pages: pages has 0 pages"),
        ({"pages": 41, "prompt": "x"}, "pages: 41 is not allowed; give a whole number from 1 to 40, or the pages"),
        ({}, "give a prompt, or the pages that you write"),
        ({"pages": [{"text": "a", "picture": "<img>"}]}, "page 1: picture contains '<img>'"),
        ({"prompt": "# T\n\n## 1\n![a cat](draw)"}, "page 1 has an image and no text; write what the page says"),
    ],
)
def test_faults_name_the_page_and_what_is_allowed(arguments: dict[str, Any], fault: str) -> None:
    engine = ScriptedEngine()
    with pytest.raises(ToolRetry) as error:
        TOOLS["tell_story"].run(SeedX(engine=engine), arguments)
    assert fault in str(error.value) and engine.requests == []


def test_python_gets_the_same_faults(seedx: SeedX) -> None:
    with pytest.raises(InputError, match="must be a number or a list of pages"):
        tell_story(seedx, pages="many")
    with pytest.raises(InputError, match="each of characters needs a name and looks"):
        tell_story(seedx, pages=PAGES, characters=[{"name": "Mina"}])
    with pytest.raises(PromptError, match="prompt is empty"):
        tell_story(seedx)


def test_the_command_line_takes_a_file(seedx: SeedX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seedx_tools.cli.documents.open_client", lambda *_: seedx)
    (tmp_path / "mina.md").write_text("# Mina\n\nMina sat.\n\n![a red cat in a room](draw)\n", encoding="utf-8")
    (tmp_path / "mina.json").write_text(json.dumps({"title": "Mina", "pages": PAGES, "characters": CAST}))
    (tmp_path / "bad.json").write_text(json.dumps({"scenes": []}))
    run = CliRunner().invoke

    def story(*words: str) -> Any:
        return run(app, ["story", *words])

    for name in ("story.html", "story-2.html"):
        told = story("--from", "mina.md", "--no-check")
        assert (told.exit_code, told.stdout.strip()) == (0, name), told.output
        assert "Mina sat." in (tmp_path / name).read_text(encoding="utf-8")
    told = story("--from", "mina.json", "--json", "-o", "folder", "--no-check")
    assert [page["text"] for page in json.loads(told.stdout)["pages"]] == [page["text"] for page in PAGES]
    assert "must hold a list of pages" in story("--from", "bad.json").stderr
    assert "cannot read the story 'no.md'" in story("--from", "no.md").stderr
    assert story("--from", "mina.json", "--pages", "3").exit_code == 2
    assert story().exit_code == 2
