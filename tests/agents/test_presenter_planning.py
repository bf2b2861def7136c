"""How many slides a presenter makes, and which of them get images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedx_agents import Presenter
from seedx_agents.presenter.serious_subjects import serious_word
from seedx_sdk import InputError, SeedX
from seedx_tools import Deck, Outline, SlidePlan
from tests.agents.conftest import Script

ROWS: list[list[object]] = [["Year", "Pupils"], [2022, 18], [2023, 41], [2024, 25]]
TEXT = "The school opened in 1998. It had one boat.\n\nPupils sail in the bay. Parents help."


def pictured(deck: Deck) -> list[bool]:
    return [slide.picture is not None for slide in deck.slides]


class TestNumberOfSlides:
    @pytest.mark.parametrize(
        ("prompt", "count", "first"),
        [
            ("A boat school: why we sail, who helps, what it costs. Make it 4 slides.", 4, "A boat school"),
            ("Boats and wind in five slides", 5, "Boats and wind"),
            ("Boats, with 3 slides please", 3, "Boats"),
            ("5 slides about boats", 5, "Boats"),
            ("a three-slide deck on boats", 3, "Boats"),
            ("explain in 2 slides how boats sail", 2, "Explain how boats sail"),
        ],
    )
    def test_the_number_in_a_prompt(self, seedx: SeedX, tmp_path: Path, prompt: str, count: int, first: str) -> None:
        deck = Presenter(seedx, pictures=False).make(prompt, path=tmp_path / "deck.pptx")
        assert len(deck.slides) == count and deck.slides[0].title == first
        assert not any("Make it" in slide.title for slide in deck.slides)
        assert not any(", not " in warning for warning in deck.warnings)

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
    def test_a_document_is_laid_out_on_as_many(self, seedx: SeedX, tmp_path: Path, count: int) -> None:
        (tmp_path / "school.txt").write_text(TEXT, encoding="utf-8")
        deck = Presenter(seedx, pictures=False).make(
            tmp_path / "school.txt", path=tmp_path / "d.pptx", num_slides=count
        )
        assert len(deck.slides) == count
        told = " ".join(" ".join((slide.title, *slide.bullets, slide.notes)) for slide in deck.slides)
        assert "1998" in told and "Parents help" in told

    @pytest.mark.parametrize(("count", "made"), [(2, 2), (3, 3), (4, 3), (9, 3)])
    def test_a_table_has_its_own_limits(self, seedx: SeedX, tmp_path: Path, count: int, made: int) -> None:
        deck = Presenter(seedx, pictures=False).make(ROWS, path=tmp_path / "deck.pptx", num_slides=count)
        assert len(deck.slides) == made and deck.slides[1].title == "The figures"
        short = (
            f"the deck has 3 slides, not {count}: the source has that many headings, tables or paragraphs, and only a "
        )
        assert deck.warnings[0].startswith(short) == (count != made)

    def test_an_outline_keeps_its_headings_and_says_so(self, seedx: SeedX, tmp_path: Path) -> None:
        deck = Presenter(seedx, pictures=False).make("# A\n\n## B\n- c\n", path=tmp_path / "deck.pptx", num_slides=8)
        assert len(deck.slides) == 2 and "the deck has 2 slides, not 8: the source has that many" in deck.warnings[0]

    def test_a_slide_that_goes_on_on_another_is_named(self, seedx: SeedX, tmp_path: Path) -> None:
        points = "\n".join(f"- A point of a certain length that says something, number {n}" for n in range(40))
        deck = Presenter(seedx, pictures=False).make(
            f"# A\n\n## B\n{points}\n", path=tmp_path / "deck.pptx", num_slides=2
        )
        fault = f"the deck has {len(deck.slides)} slides, not 2: what does not fit on a slide continues on another one"
        assert len(deck.slides) > 2 and deck.warnings[0] == fault

    def test_a_chat_model_is_told_its_number_and_gets_another_chance(
        self, seedx: SeedX, script: Script, tmp_path: Path
    ) -> None:
        def outline(count: int) -> tuple[str, Any]:
            return "Outline", {"title": "Boats", "slides": [{"title": f"Slide {n}"} for n in range(count - 1)]}

        chat_model = script(outline(3), outline(4))
        deck = Presenter(seedx, chat_model, pictures=False).make("boats. Make it 4 slides", path=tmp_path / "deck.pptx")
        assert len(deck.slides) == 4 and deck.warnings == ()
        assert "4 slides including the title slide" in chat_model.seen[0][1].text
        assert (
            "Your last outline had 3 slides with title, agenda and sources; 4 are wanted." in chat_model.seen[1][1].text
        )
        stubborn = script(outline(3))
        deck = Presenter(seedx, stubborn, pictures=False).make("boats", path=tmp_path / "deck.pptx", num_slides=5)
        assert len(stubborn.seen) == 2
        assert deck.warnings == ("the deck has 3 slides, not 5: the chat model planned 3",)

    @pytest.mark.parametrize("prompt", ["400 slides about boats", "boats in 0 slides"])
    def test_a_number_that_is_not_allowed(self, seedx: SeedX, tmp_path: Path, prompt: str) -> None:
        with pytest.raises(InputError, match="the number of slides in the prompt is .*; use 1 to 300"):
            Presenter(seedx).make(prompt, path=tmp_path / "deck.pptx")


class TestSeriousSubjects:
    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("Obituary of Ann Lee", "obituary"),
            ("The layoffs of 2026", "layoffs"),
            ("Medical results", "medical"),
            ("The lawsuit against us", "lawsuit"),
            ("Report on the accident at plant 3", "accident"),
            ("A crash course in sailing", None),
            ("Star Wars for beginners", None),
            ("Our summer party", None),
        ],
    )
    def test_words_make_a_subject_serious(self, text: str, word: str | None) -> None:
        assert serious_word(text) == word

    def test_a_serious_deck_has_only_the_images_that_were_asked_for(self, seedx: SeedX, tmp_path: Path) -> None:
        text = "# Layoffs in May\n\n## What happens\n- A red house goes\n\n## Help\n- Call\n\n![a green tree](draw)\n"
        deck = Presenter(seedx).make(text, path=tmp_path / "deck.pptx")
        assert pictured(deck) == [False, False, True]
        warning = "2 slides have no image, because the subject is serious ('layoffs'); pictures=True generates them"
        assert warning in deck.warnings
        assert pictured(Presenter(seedx, pictures=True).make(text, path=tmp_path / "deck.pptx")) == [False, True, True]
        assert pictured(Presenter(seedx, pictures=False).make(text, path=tmp_path / "deck.pptx")) == [False] * 3

    def test_one_serious_slide_of_a_cheerful_deck(self, seedx: SeedX, tmp_path: Path) -> None:
        slides = (
            SlidePlan(title="Our party", bullets=("A red house",)),
            SlidePlan(title="In memory of Ann", bullets=("A blue boat",)),
        )
        deck = Presenter(seedx).make(Outline(title="Our year", slides=slides), path=tmp_path / "deck.pptx")
        assert pictured(deck)[1:] == [True, False]

    def test_a_plain_prompt_is_serious_as_a_whole(self, seedx: SeedX, tmp_path: Path) -> None:
        prompt = "Thirty years with us: Ann Lee, who passed away in March"
        deck = Presenter(seedx).make(prompt, path=tmp_path / "deck.pptx", num_slides=3)
        assert not any(pictured(deck)) and any("('passed away')" in warning for warning in deck.warnings)

    def test_the_chat_model_decides_and_the_list_decides_what_it_leaves_open(
        self, seedx: SeedX, script: Script, tmp_path: Path
    ) -> None:
        slides = [{"title": "Her life"}, {"title": "Her garden", "picture": "a red rose"}, {"title": "Thanks"}]
        chat_model = script(("Outline", {"title": "Obituary", "picture": "", "slides": slides}))
        deck = Presenter(seedx, chat_model).make("for Ann", path=tmp_path / "deck.pptx")
        assert pictured(deck) == [False, False, True, False]
        assert "if the subject is serious" in chat_model.seen[0][1].text
        forced = script(("Outline", {"title": "Obituary", "slides": slides}))
        Presenter(seedx, forced, pictures=True).make("for Ann", path=tmp_path / "deck.pptx")
        assert "if the subject is serious" not in forced.seen[0][1].text

    def test_revisions_of_a_serious_deck_add_no_decoration(self, seedx: SeedX, tmp_path: Path) -> None:
        presenter = Presenter(seedx)
        presenter.make("# Obituary\n\n## Her life\n- Boats\n", path=tmp_path / "deck.pptx")
        assert not any(pictured(presenter.append("## Thanks\n- To all\n")))
        assert not any(pictured(presenter.revise(2, "## Her work\n- Boats\n")))
        assert not any(pictured(presenter.revise(2, SlidePlan(title="Her days", bullets=("Boats",)))))
        assert not any(pictured(presenter.revise(2, "add: Gardens")))
        more = Outline(title="x", slides=(SlidePlan(title="More", bullets=("Boats",)),))
        assert not any(pictured(presenter.append(more)))
        assert pictured(presenter.revise(2, "picture: a pink flower"))[1]
