"""Plan a deck from a prompt without a language model, from the prompt's own text.

Nothing is written about the subject. Where the prompt is too short for the requested number of slides, a slide gets a
generic heading and a question in its notes, and the outline's warnings say so.
"""

from __future__ import annotations

import re

from seedx_sdk.errors import PromptError
from seedx_tools.decks.outline import DEFAULT_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline, parse_markdown_outline

HEADINGS = (
    ("Why it matters", "Why does this matter to the people in the room?"),
    ("Who it is for", "Who is it for, and what do they have today?"),
    ("How it works", "How does it work, step by step?"),
    ("What it needs", "What does it cost: people, time, money?"),
    ("What could go wrong", "Which risks are there, and what is done about them?"),
    ("Where we stand", "What is there already, and what comes next?"),
)
"""Headings for slides that the prompt has no text for, each with a question for the speaker notes."""

CLOSING = ("Next steps", "What should the audience do now?")
"""The last slide of a deck that the prompt does not fill."""

_NUMBERS = dict(zip("two three four five six seven eight nine ten eleven twelve".split(), range(2, 13), strict=True))
_COUNT = re.compile(rf"\b(\d{{1,2}}|{'|'.join(_NUMBERS)})[- ]slides?\b", re.IGNORECASE)
_COMMAND = re.compile(
    r"^(please )?((make|create|write|give|build|prepare|draw)( me| us)? )?((a|an|the) )?"
    r"(deck|presentation|slides?|slide deck|powerpoint)( deck| presentation)? (about|on|for|of) ",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\s*[;\n]+\s*")
_BREAK = re.compile(r",| - | -- |: | that | who | which | with | because | so | when ")
_TITLE_CHARS = 44
_TITLE_WORDS = 7


class OutlinePlanner:
    """Plans a deck without a language model: parses a Markdown outline, or arranges the text of a prompt."""

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline of a Markdown text or of a prompt.

        Args:
            text: Markdown with headings or a list, or a prompt in one or more sentences.
            num_slides: Number of slides, including the title slide; None takes the number in the prompt ("a five-slide
                pitch"), else DEFAULT_NUM_SLIDES. A Markdown outline keeps its own number.

        Raises:
            PromptError: If the prompt has no text for a title.
        """
        if not is_markdown_outline(text):
            return _outline_of(text, num_slides)
        return parse_markdown_outline(text)


def _outline_of(prompt: str, num_slides: int | None) -> Outline:
    named = _COUNT.search(prompt)
    if num_slides is None:
        num_slides = _number(named.group(1)) if named else DEFAULT_NUM_SLIDES
    title, rest = _split_title(_COMMAND.sub("", _COUNT.sub("", prompt).strip()) if named else _COMMAND.sub("", prompt))
    topics = _topics(rest)
    slides = [_slide(group) for group in _distribute(topics, num_slides - 1)]
    missing = num_slides - 1 - len(slides)
    warnings = ["planned without a language model: the slides hold only the text of the prompt"]
    if topics and num_slides == 1:
        warnings.append(f"one slide has room for the title only; left out: {'; '.join(topics)}")
    if missing > 0:
        slides += _headings_only(missing)
        which = f"slide {num_slides}" if missing == 1 else f"slides {num_slides - missing + 1} to {num_slides}"
        verb = "has" if missing == 1 else "have"
        warnings.append(
            f"{which} {verb} only a heading: write the points in the deck, pass a Markdown outline, "
            "or plan with a language model"
        )
    return Outline(title=title, slides=tuple(slides), warnings=tuple(warnings))


def _number(text: str) -> int:
    return _NUMBERS[text.lower()] if text.lower() in _NUMBERS else max(1, int(text))


def _split_title(text: str) -> tuple[str, str]:
    """Return the deck's title (the text before a colon, else the first sentence) and the remaining text."""
    text = re.sub(r"[ \t]+", " ", text).strip()
    head, colon, rest = text.partition(":")
    if colon and _heading(head) and len(head) <= 80 and rest.strip():
        return _heading(head), rest.strip()
    parts = [part for part in _SENTENCE_END.split(text) if _heading(part)]
    if not parts:
        raise PromptError("the prompt does not say what the deck is about; write it like '5 slides about boats'")
    first, *others = parts
    if len(first) <= 80:
        return _heading(first), " ".join(others)
    return _short_title(first), text


def _topics(text: str) -> list[str]:
    """Return the sentences of a text; of a single sentence, the parts between its commas."""
    sentences = [part.strip(" .;") for part in _SENTENCE_END.split(text)]
    sentences = [part for part in sentences if part]
    if len(sentences) == 1 and sentences[0].count(",") >= 2:
        return [re.sub(r"^and ", "", part.strip()) for part in sentences[0].split(",") if part.strip()]
    return sentences


def _distribute(topics: list[str], num_slides: int) -> list[list[str]]:
    """Return at most num_slides groups of neighboring topics, as even as possible, the larger ones first."""
    groups: list[list[str]] = []
    for left in range(min(num_slides, len(topics)), 0, -1):
        size = -(-len(topics) // left)
        groups.append(topics[:size])
        topics = topics[size:]
    return groups


def _slide(topics: list[str]) -> SlidePlan:
    first = topics[0]
    if len(topics) == 1 and len(first) <= _TITLE_CHARS:
        return SlidePlan(title=_heading(first), notes=f"{_heading(first)}.")
    bullets = tuple(_heading(topic) for topic in topics)
    return SlidePlan(title=_short_title(first), bullets=bullets, notes=" ".join(f"{text}." for text in bullets))


def _headings_only(count: int) -> list[SlidePlan]:
    chosen = [HEADINGS[index % len(HEADINGS)] for index in range(count - 1)] + [CLOSING]
    return [SlidePlan(title=title, notes=question) for title, question in chosen]


def _short_title(text: str) -> str:
    """Return the first clause of a sentence if it is short, else its first words."""
    clause = _BREAK.split(text)[0].strip()
    if clause and len(clause) <= _TITLE_CHARS:
        return _heading(clause)
    return _heading(" ".join(text.split()[:_TITLE_WORDS])) + " ..."


def _heading(text: str) -> str:
    text = text.strip(" .;,")
    return text[:1].upper() + text[1:]
