"""Every prompt template of the model, each with its source. Training and the engine import the same ones.

`image` is the text of one or more images, from `tokens.image_block`. No template adds the start token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

from seedx_sdk.tokens import BEGIN_IMAGE, BOX_START, NUM_LOC_BINS, Bins, box_text

__all__ = [
    "STORY_DROPPED_AT_ONCE",
    "STORY_WINDOW",
    "SlideBlock",
    "SlideKind",
    "StoryPart",
    "base_detect",
    "base_generate",
    "base_question",
    "chat_segments",
    "detect_question",
    "generate_request",
    "grounded_phrase",
    "instruct",
    "instruct_generate",
    "later",
    "parse_slide_answer",
    "slide_answer",
    "slide_outline",
    "story_page",
    "story_window",
    "try_on_request",
]

STORY_WINDOW = 8
"""Latest pages of a story that are always read whole. Source: window_size in gen_george.py of SEED-Story."""
STORY_DROPPED_AT_ONCE = 8
"""Pages that leave the window together, so that between two such moments the prompt only grows."""

SlideKind: TypeAlias = Literal["title", "text", "table", "chart", "picture"]
"""What a block of a slide is."""

_NUMBER = r"\s*<loc-(\d+)>"
_SLIDE_BLOCK = re.compile(
    rf"\s*(\d+)\s+({'|'.join(get_args(SlideKind))})\s*<box_start>{_NUMBER * 4}\s*<box_end>(?:\s*:([^\n<]*))?"
)
_FIRST_SENTENCE = re.compile(r".*?[.!?]+(?=\s|$)|.+", re.DOTALL)


def base_question(question: str, image: str) -> str:
    """Ask the base model about an image. Source: eval_img2text_seed_x.py."""
    return f"Question: {image}{question}\nAnswer:"


def base_detect(caption: str, image: str) -> str:
    """Let the base model write a box; the answer goes on inside of it. Source: eval_img2text_seed_x.py."""
    return f"{image}{caption} [[ {BOX_START}"


def base_generate(caption: str) -> str:
    """Let the base model draw; the answer starts inside the image. Source: eval_text2img_seed_x.py."""
    return f"{caption}{BEGIN_IMAGE}"


def instruct(text: str, image: str = "") -> str:
    """Ask the instruction-tuned model, also for edits.

    Source: eval_img2text_seed_x_i.py, eval_img2edit_seed_x_edit.py.
    """
    return f"[INST] {image}{text} [/INST]\n"


def instruct_generate(caption: str) -> str:
    """Ask the instruction-tuned model for an image. Source: eval_text2img_seed_x_i.py."""
    return instruct(generate_request(caption))


def generate_request(caption: str) -> str:
    """Return the request of `instruct_generate` alone, as it appears in a conversation."""
    return f"Generate an image: {caption}"


def grounded_phrase(phrase: str, boxes: Sequence[Bins]) -> str:
    """Return a phrase of a caption with its boxes, as the base model learns to write them.

    The opening is that of `base_detect`; the reference has not released what closes it, so that is ours.
    """
    return f"{phrase} [[ {''.join(map(box_text, boxes))} ]]"


def detect_question(phrase: str) -> str:
    """Word a request for the box of something, to be put into `instruct`; ours, trained into the small model."""
    return f"Is there {phrase} in the image? If so, please output its bounding box."


def try_on_request() -> str:
    """Return the request to dress a person, to be put into `instruct` after two images: the figure, then the garment.

    Both are read in one cell, as for edits. The figure is the one that the de-tokenizer starts from, with the region of
    the garment blanked (`regions.blank_region`): in the training pairs it wears the garment, which must not show. Ours;
    the paper gives no form (appendix B names SEED-X-Try-on and its data, VITON-HD).
    """
    return "Dress the person in the first image in the garment of the second image."


def chat_segments(turns: Sequence[tuple[str, str]], text: str) -> list[str]:
    """Render a conversation: earlier (user, assistant) turns, then the new request.

    Each segment is encoded on its own, as in training. Each later turn starts on a new line; nothing else closes an
    answer.

    Source: the layout of the instruction data in sft_clm.py.
    """
    segments: list[str] = []
    for user, assistant in turns:
        segments += [later(user) if segments else instruct(user), assistant]
    return [*segments, later(text) if segments else instruct(text)]


def later(text: str) -> str:
    """Return a request that follows an answer."""
    return f"\n{instruct(text)}"


class SlideBlock(NamedTuple):
    """A block of a slide's layout."""

    number: int
    """Of the text in the outline, from 1; the pictures are numbered on from there."""
    kind: SlideKind
    box: Bins
    """On the slide."""
    caption: str = ""
    """What a picture shows; other blocks have none."""


def slide_outline(texts: Sequence[str]) -> str:
    """Ask for the layout of a slide with these texts; goes into `instruct`. Ours; the paper gives no form.

    Each text has its number and a line: the first number of a line is its number, whatever the text begins with.
    """
    lines = (" / ".join(" ".join(line.split()) for line in text.splitlines() if line.strip()) for text in texts)
    return "\n".join(["Lay out a slide:", *(f"{number}: {line}" for number, line in enumerate(lines, start=1))])


def slide_answer(blocks: Sequence[SlideBlock]) -> str:
    """Return the layout of a slide as the model writes it; the images of its pictures follow.

    One line a block in reading order, which is the order in which they overlap: number, kind and box, and for a picture
    a colon and what it shows. Texts are not repeated.
    """
    return "\n".join(
        f"{block.number} {block.kind} {box_text(block.box)}"
        + (f": {' '.join(block.caption.split())}" if block.kind == "picture" else "")
        for block in blocks
    )


def parse_slide_answer(text: str, num_texts: int) -> tuple[SlideBlock, ...]:
    """Return the blocks of a layout that the model wrote, in its order.

    Args:
        text: What it wrote, with or without the tokens of the images behind the layout.
        num_texts: Texts of the outline.

    Raises:
        ValueError: If the text is anything else than blocks, a text of the outline does not occur exactly once, or the
            pictures are not numbered on from the texts.
    """
    blocks: list[SlideBlock] = []
    layout = text.partition(BEGIN_IMAGE)[0]
    end = 0
    while match := _SLIDE_BLOCK.match(layout, end):
        number, kind, x, y, w, h, caption = match.groups()
        box = (int(x), int(y), int(w), int(h))
        if max(box) >= NUM_LOC_BINS:
            raise ValueError(f"block {number} has box {box}; location tokens go to {NUM_LOC_BINS - 1}")
        known = next(name for name in get_args(SlideKind) if name == kind)
        blocks.append(SlideBlock(int(number), known, box, (caption or "").strip()))
        end = match.end()
    if layout[end:].strip():
        raise ValueError(f"{layout[end:].strip()[:60]!r} is no block of a layout: number, kind and box")
    for pictures, start, stop in ((False, 1, num_texts), (True, num_texts + 1, len(blocks))):
        numbers = sorted(block.number for block in blocks if (block.kind == "picture") == pictures)
        if numbers != list(range(start, stop + 1)):
            what = "pictures" if pictures else "texts"
            raise ValueError(f"the {what} of the layout are numbered {numbers}; they must be {start} to {stop}")
    return tuple(blocks)


class StoryPart(NamedTuple):
    """A stretch of a story: text, then perhaps the image of a page."""

    text: str
    page: int | None
    """Number of the page whose image follows, 0-based; None if no image does."""


def story_page(number: int, caption: str) -> str:
    """Return the text of a page, which its image follows; after the first it is also what the model writes.

    Source: story_telling.py of SEED-Story.
    """
    return f"[INST]{caption}" if number else caption


def story_window(captions: Sequence[str]) -> tuple[StoryPart, ...]:
    """Return what the model reads of the pages so far when it is to write the next one.

    Up to the window it is the form of SEED-Story, page after page. A longer story keeps its first page, of the pages
    that are dropped their first sentences, and the latest pages: `STORY_WINDOW` of them or more, until as many as are
    `STORY_DROPPED_AT_ONCE` too many. So the prompt of the next page almost always continues this one, and a prefix
    cache goes on hitting.

    Args:
        captions: The texts of all pages so far, without images.
    """
    later_pages = max(0, len(captions) - 1)
    dropped = max(0, later_pages - STORY_WINDOW) // STORY_DROPPED_AT_ONCE * STORY_DROPPED_AT_ONCE
    pages = [StoryPart(story_page(number, caption), number) for number, caption in enumerate(captions)]
    if not dropped:
        return tuple(pages)
    summary = " ".join(_first_sentence(caption) for caption in captions[1 : 1 + dropped])
    return (pages[0], StoryPart(story_page(1, summary), None), *pages[1 + dropped :])


def _first_sentence(caption: str) -> str:
    text = " ".join(caption.split())
    match = _FIRST_SENTENCE.match(text)
    return match[0] if match is not None else ""
