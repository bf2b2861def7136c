"""Stories without a language model: any length without a repeat, the wish fulfilled, any prompt."""

from __future__ import annotations

import pytest

from seedx_tools import StoryPlan, TemplateStoryPlanner
from seedx_tools.illustration.prompts import PICTURE_BOOK, image_prompt
from seedx_tools.stories.cast import image_text, with_cast
from seedx_tools.stories.idea import pages_named_in

PROMPT = "a red cat on the beach who wants to sail a blue boat"


def plan(prompt: str, pages: int, seen: str | None = None) -> StoryPlan:
    return with_cast(TemplateStoryPlanner(PICTURE_BOOK).plan(prompt, pages, seen), PICTURE_BOOK)


def prompts(story: StoryPlan) -> list[str]:
    return [
        image_prompt(image_text(page, story.characters), PICTURE_BOOK, context=story.title).text for page in story.pages
    ]


@pytest.mark.parametrize("prompt", [PROMPT, "a tree, a boat, a star, a flower, a balloon and an umbrella", "Zoe"])
@pytest.mark.parametrize("pages", [1, 2, 3, 5, 6, 11, 40])
def test_up_to_forty_pages_repeat_nothing_and_show_the_hero(prompt: str, pages: int) -> None:
    story = plan(prompt, pages)
    texts = [page.text for page in story.pages]
    assert len(texts) == len(set(texts)) == pages
    assert not any("{" in text for text in texts) and not any("repeats" in warning for warning in story.warnings)
    hero = story.characters[0].looks.split()[-1]
    assert all(hero in shown for shown in prompts(story))


def test_a_longer_story_says_from_which_page_on_it_repeats() -> None:
    story = plan(PROMPT, 80)
    texts = [page.text for page in story.pages]
    first = next(number for number, text in enumerate(texts, start=1) if text in texts[: number - 1])
    assert first > 40
    assert story.warnings[1:] == (f"the plot repeats itself from page {first} on; ask for at most {first - 1} pages",)


def test_the_wish_waits_until_the_end_and_every_page_shows_what_it_tells_of() -> None:
    story = plan(PROMPT, 12)
    shown = prompts(story)
    assert [number for number, text in enumerate(shown) if "boat" in text] == [8, 9]
    assert story.pages[8].text.startswith("And there, in the first light of the morning, was a blue boat!")
    assert story.pages[9].text == "And so it came true: at last the red cat could sail a blue boat, and did."
    for page, text in zip(story.pages, shown, strict=True):
        met = [kind for kind in PICTURE_BOOK["kinds"] if f" {kind}" in text and kind not in ("cat", "star")]
        assert all(kind in page.text or kind in story.pages[0].text for kind in met)


@pytest.mark.parametrize(
    ("prompt", "opening", "fulfilled"),
    [
        (
            "Tell me a story about Mina, a red cat, who has lost her hat",
            "there was a red cat called Mina. More than anything, Mina wanted her hat.",
            "at last Mina had her hat.",
        ),
        (
            "A red cat lives on the beach. She wants to sail a blue boat but is afraid of water.",
            "there was a red cat on the beach. More than anything, the red cat wanted to sail a blue boat.",
            "at last the red cat could sail a blue boat, and did.",
        ),
        (
            "two cats who can't fly",
            "there were two cats. More than anything, the two cats wanted to fly.",
            "at last the two cats could fly, and did.",
        ),
        (
            "a 5-page bedtime story for kids about a lonely dog in the snow",
            "there was a dog in the snow. But the dog was lonely.",
            "the dog was not lonely any more.",
        ),
        (
            "a fish afraid of the dark",
            "there was a fish. But the fish was afraid of the dark.",
            "there was no reason to be afraid of the dark any more.",
        ),
        (
            "a boy named Tom who dreams of the sea",
            "there was a boy called Tom. Every night Tom dreamed of the sea.",
            "the dream of the sea came true for Tom.",
        ),
        (
            "a dragon who loves tea",
            "there was a dragon. More than anything, the dragon loved tea.",
            "was what the dragon loved most: tea.",
        ),
        (
            "a knight who saves a village",
            "there was a knight. This is the story of the knight who saves a village.",
            "that is how the knight became the one who saves a village.",
        ),
        (
            "How the leopard got its spots",
            "there was a little cat. More than anything, the little cat wanted to know how the leopard got its spots.",
            "at last the little cat knew how the leopard got its spots, and told everybody.",
        ),
        (
            "friendship",
            "there was a little cat. More than anything, the little cat wanted to know all about friendship.",
            "at last the little cat knew all about friendship, and told everybody.",
        ),
        ("tell me a story", "there was a little cat. And this is what happened.", "a story to tell."),
    ],
)
def test_any_prompt_has_a_hero_and_what_it_wishes_comes_true(prompt: str, opening: str, fulfilled: str) -> None:
    first, last = TemplateStoryPlanner(PICTURE_BOOK).plan(prompt, 2, None).pages
    assert first.text == f"Once upon a time {opening}"
    assert last.text.endswith(fulfilled)


@pytest.mark.parametrize(
    "prompt", ["the old sailor", "An octopus in the deep", "\u732b", "x", "a girl with a balloon", "the with"]
)
def test_any_prompt_gives_whole_sentences_and_images_that_the_model_can_draw(prompt: str) -> None:
    story = plan(prompt, 6)
    for page, shown in zip(story.pages, prompts(story), strict=True):
        assert "  " not in page.text and page.text[-1] in ".!?'"
        assert shown.startswith(story.characters[0].looks) or "little cat" in page.text or "orange cat" in shown
    assert image_prompt(shown, PICTURE_BOOK).text == shown


@pytest.mark.parametrize(
    ("prompt", "number"),
    [
        ("a five-page story about a cat", 5),
        ("a story with 12 pages about a cat", 12),
        ("a cat", None),
        ("99 pages", None),
    ],
)
def test_a_prompt_may_say_how_many_pages(prompt: str, number: int | None) -> None:
    assert pages_named_in(prompt) == number
