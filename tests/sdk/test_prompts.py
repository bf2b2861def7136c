"""Prompt templates of stories and try-on."""

from __future__ import annotations

from seedx_sdk.prompts import StoryPart, instruct, story_window, try_on_request

CAPTIONS = [f"Page {number} is 2.5 m high! Nobody knows." for number in range(40)]


def _text(pages: int) -> str:
    return "".join(f"{part.text}<{part.page}>" for part in story_window(CAPTIONS[:pages]))


def test_short_stories_have_the_form_of_seed_story() -> None:
    assert story_window(["A fox.", "It runs.", "It sleeps."]) == (
        StoryPart("A fox.", 0),
        StoryPart("[INST]It runs.", 1),
        StoryPart("[INST]It sleeps.", 2),
    )


def test_long_stories_keep_the_first_page_first_sentences_and_the_latest_pages() -> None:
    first, summary, *latest = story_window(CAPTIONS[:25])
    assert first == StoryPart(CAPTIONS[0], 0)
    assert summary.page is None
    assert summary.text == "[INST]" + " ".join(f"Page {number} is 2.5 m high!" for number in range(1, 17))
    assert latest == [StoryPart(f"[INST]{CAPTIONS[number]}", number) for number in range(17, 25)]


def test_a_prompt_continues_the_one_before_unless_eight_pages_leave_it() -> None:
    breaks = [pages for pages in range(2, 41) if not _text(pages).startswith(_text(pages - 1))]
    assert breaks == [17, 25, 33]
    assert [sum(part.page is not None for part in story_window(CAPTIONS[:pages])) for pages in breaks] == [9, 9, 9]


def test_a_caption_without_a_full_stop_is_its_own_first_sentence() -> None:
    summary = story_window(["A fox", *["it\nruns"] * 16])[1]
    assert summary.text == "[INST]" + " ".join(["it runs"] * 8)


def test_try_on_reads_the_figure_before_the_garment() -> None:
    assert instruct(try_on_request(), "<figure><garment>") == (
        "[INST] <figure><garment>Dress the person in the first image in the garment of the second image. [/INST]\n"
    )
