"""Pages of the picture book as dialogues: what the language model reads, says and draws.

A dialogue is a list of segments: what is said to the model, what it should learn to say, and what it draws. Nothing
here knows token ids or tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedx_finetune.world import (
    BACKGROUNDS,
    COLORS,
    KINDS,
    EditPair,
    Scene,
    Thing,
    caption,
    describe,
    questions,
    referring,
)
from seedx_sdk import prompts
from seedx_sdk.tokens import box_from_pixels, box_text, image_block

Turn = tuple[str, str]
"""What the user says and what the model answers."""

_DESCRIBE = (
    "Describe the picture.",
    "What is in this picture?",
    "What do you see?",
    "Describe this image.",
    "Tell me what is in the image.",
    "Please describe the image in detail.",
    "What does the picture show?",
)
_DETECT = ("Please detect {}.", "Find {}.", "Where is {}? Give the box.", "Detect {}.", "Locate {} in the picture.")
_DRAW = ("Draw {}.", "Please draw {}.", "Paint {}.", "Make a picture: {}", "Show me {}.", "{}")
_LAYOUT = ("Write down the layout of the picture.", "Give the layout.")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a dialogue."""

    text: str
    """What is written, with the image tokens of the pictures in it."""
    learn: bool = False
    """Whether the model should learn to say it."""
    reads: tuple[int, ...] = ()
    """Indices of the pictures that are shown to the model in this text."""
    draws: tuple[int, ...] = ()
    """Indices of the pictures that the model draws in this text."""


IMAGE = image_block(1)
"""A picture that is read: the one cell of its grid, then the global view."""


def drawing(index: int) -> Segment:
    """Returns the segment in which the model draws a picture."""
    return Segment(image_block(0), draws=(index,))


def layout(scene: Scene) -> str:
    """Returns the page as the words and boxes that the model writes before it draws."""
    parts = [f"{BACKGROUNDS[scene.background].noun}:"]
    for thing in layout_order(scene):
        parts.append(f" {thing.color} {thing.kind}{box_text(_bins(thing))}")
    return "".join(parts)


def layout_order(scene: Scene) -> list[Thing]:
    """Returns the things in the order of a layout: by kind, then colour, then left to right."""
    return sorted(scene.things, key=lambda t: (KINDS.index(t.kind), tuple(COLORS).index(t.color), t.box[0]))


def grounded_caption(index: int, scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """A picture followed by its layout, or a layout followed by its picture (pre-training, no instruction)."""
    if rng.random() < 0.5:
        return [Segment(IMAGE, reads=(index,)), Segment(layout(scene), learn=True)]
    return [Segment(layout(scene)), drawing(index)]


def drawing_request(index: int, scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """A request in words, answered by a layout and the picture."""
    return [Segment(_drawing_request(scene, rng)), Segment(layout(scene), learn=True), drawing(index)]


def _drawing_request(scene: Scene, rng: np.random.Generator) -> str:
    words = caption(scene, rng)
    if rng.random() < 0.65:
        return prompts.instruct_generate(words)
    return prompts.instruct(_pick(rng, _DRAW).format(words))


def edit_request(source: int, target: int, edit: EditPair) -> list[Segment]:
    """A picture and an instruction, answered by the layout of the edited page and its picture."""
    request = prompts.instruct(edit.instruction, IMAGE)
    return [Segment(request, reads=(source,)), Segment(layout(edit.target), learn=True), drawing(target)]


def conversation(index: int, scene: Scene, rng: np.random.Generator, *, turns: int) -> list[Segment]:
    """Several turns about one picture: descriptions, questions and things to find, in a random order."""
    (question, answer), *more = sample_turns(scene, rng, turns)
    first = Segment(prompts.instruct(question, IMAGE), reads=(index,))
    return [first, Segment(answer, learn=True), *_later(more)]


def two_pictures(indices: tuple[int, int], scenes: tuple[Scene, Scene], rng: np.random.Generator) -> list[Segment]:
    """Two pictures in one request, and turns about either of them."""
    turns: list[Turn] = []
    for which, scene in zip(("first", "second"), scenes, strict=True):
        turns.append((f"Describe the {which} picture.", describe(scene)))
        asked = questions(scene, rng)[0]
        turns.append((f"In the {which} picture: {asked.question}", asked.answer))
    turns.append(("Describe the pictures.", f"First: {describe(scenes[0])} Second: {describe(scenes[1])}"))
    (question, answer), *more = (turns[i] for i in rng.permutation(len(turns))[:4])
    first = Segment(prompts.instruct(question, 2 * IMAGE), reads=indices)
    return [first, Segment(answer, learn=True), *_later(more)]


def _later(turns: Sequence[Turn]) -> list[Segment]:
    segments = []
    for question, answer in turns:
        segments += [Segment(prompts.later(question)), Segment(answer, learn=True)]
    return segments


def edit_lesson(edit: EditPair) -> list[Segment]:
    """An edit with a layout in the place of the picture (pre-training of the language model, text alone)."""
    request = prompts.instruct(f"{layout(edit.source)} {edit.instruction}")
    return [Segment(request), Segment(layout(edit.target), learn=True)]


def drawing_lesson(scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """A request for a picture, answered by its layout alone."""
    return [Segment(_drawing_request(scene, rng)), Segment(layout(scene), learn=True)]


def conversation_lesson(scene: Scene, rng: np.random.Generator, *, turns: int) -> list[Segment]:
    """A conversation about a layout in the place of the picture."""
    (question, answer), *more = sample_turns(scene, rng, turns)
    first = Segment(prompts.instruct(f"{layout(scene)} {question}"))
    return [first, Segment(answer, learn=True), *_later(more)]


def sample_turns(scene: Scene, rng: np.random.Generator, count: int) -> list[Turn]:
    """Returns `count` turns about a page; the full description is asked for in most of them."""
    turns: list[Turn] = []
    if rng.random() < 0.7:
        turns.append((_pick(rng, _DESCRIBE), describe(scene)))
    if rng.random() < 0.3:
        turns.append((_pick(rng, _LAYOUT), layout(scene)))
    for _ in range(2):
        phrase, indices = referring(scene, rng)
        request = _pick(rng, _DETECT).format(phrase) if rng.random() < 0.5 else prompts.detect_question(phrase)
        turns.append((request, boxes([scene.things[i] for i in indices])))
    turns += [(_sentence(qa.question), qa.answer) for qa in questions(scene, rng)[: max(1, count - 3)]]
    return [turns[i] for i in rng.permutation(len(turns))[:count]]


def boxes(things: Sequence[Thing]) -> str:
    """Returns the answer to a request to find things: each with its name and box."""
    return " ".join(f"{thing.color} {thing.kind}{box_text(_bins(thing))}" for thing in things)


def _bins(thing: Thing) -> tuple[int, int, int, int]:
    return box_from_pixels(thing.box, 1, 1)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]
