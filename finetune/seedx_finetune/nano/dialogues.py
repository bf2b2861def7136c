"""Pages of the picture book as dialogues: what the language model reads, writes and draws.

A dialogue is a list of segments: the prompt, the answer to learn, and the images to draw. Nothing
here knows token ids or tensors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedx_finetune.world import (
    BACKGROUNDS,
    COLORS,
    KINDS,
    SIZES,
    SPOTS,
    EditPair,
    Scene,
    Thing,
    caption,
    describe,
    plural,
    questions,
    referring,
    region_of,
)
from seedx_finetune.world.scene import pick
from seedx_sdk import prompts
from seedx_sdk.tokens import (
    BOX_END,
    BOX_START,
    NUM_LOC_BINS,
    Bins,
    box_from_pixels,
    box_text,
    box_to_normalized,
    image_block,
)

Turn = tuple[str, str]
"""What the user says and what the model answers."""

DESCRIBE = (
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
COARSE = 4
"""Boxes are written in multiples of so many bins: a small model learns 56 places sooner than 224, and 2 bins are less
than a pixel and a half of a 128 pixel page."""
FEATURE_ROWS = 16
"""Rows of image features on a page."""
_LAYOUT = ("Write down the layout of the picture.", "Give the layout.")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a dialogue."""

    text: str
    """What is written, with the image tokens of the images in it."""
    learn: bool = False
    """Whether the model should learn to say it."""
    begins: bool = False
    """Whether it should learn when to begin it: the first token, and nothing that follows."""
    reads: tuple[int, ...] = ()
    """Indices of the images that are shown to the model in this text."""
    draws: tuple[Scene, ...] = ()
    """Pages that the model draws in this text."""
    renames: tuple[tuple[str, str], ...] = ()
    """Colors and kinds of the images that are shown here, each with the alias that it is called by."""


MARK = f"{BOX_START}{BOX_END}"
"""An empty box: it says which thing is meant and not where it is."""
IMAGE = image_block(1)
"""A image that is read: the one cell of its grid, then the global view."""


def drawing(scene: Scene, request: str | None = None) -> Segment:
    """Return the segment in which the model draws a page, as the layout for this request says it."""
    return Segment(image_block(0), draws=(as_written(replace(scene, things=tuple(_planned(scene, request)))),))


def as_written(scene: Scene) -> Scene:
    """Return the page with its boxes as exact as a layout writes them, so that drawing follows from the words."""
    return replace(scene, things=tuple(replace(thing, box=box_to_normalized(_bins(thing))) for thing in scene.things))


def layout(scene: Scene, request: str | None = None) -> str:
    """Return the page as the words and boxes that the model writes before it draws, each thing with its number.

    The number says which thing is next; after a box alone nothing tells the things apart.

    Args:
        scene: The page.
        request: The prompt for it; the things then come in the order in which the text names them, so
            that a plan is made by reading along. Without, they come in reading order.
    """
    named = (f" {_named(number, thing)}{_box(thing)}" for number, thing in enumerate(_planned(scene, request), start=1))
    return f"{BACKGROUNDS[scene.background].noun}:" + "".join(named)


def _planned(scene: Scene, request: str | None) -> list[Thing]:
    """Return the things in the order in which a layout writes them."""
    things = reading_order(scene.things)
    if request is not None:
        things.sort(key=lambda thing: _place_in(request, thing))
    return things


def reading_order(things: Sequence[Thing]) -> list[Thing]:
    """Return the things from the top of the page to the bottom, and from left to right where two are as high.

    The height is that of the row of image features in which a thing's center lies.
    """
    return sorted(things, key=lambda t: (int(t.center[1] * FEATURE_ROWS), t.center[0]))


def _place_in(words: str, thing: Thing) -> int:
    """Return where the text names a thing, by its color and kind or else by its kind alone."""
    for name in (rf"\b{thing.color} {thing.kind}", rf"\b{thing.kind}"):
        found = re.search(rf"{name}s?\b", words)
        if found is not None:
            return found.start()
    return len(words)


def _named(number: int, thing: Thing) -> str:
    """Return a thing's number, color and kind."""
    return f"{number}: {thing.color} {thing.kind}"


def _box(thing: Thing) -> str:
    return box_text(_bins(thing))


def _bins(thing: Thing) -> Bins:
    x, y, w, h = (min(COARSE * round(v / COARSE), NUM_LOC_BINS - COARSE) for v in box_from_pixels(thing.box, 1, 1))
    return x, y, w, h


def grounded_caption(index: int, scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """Return an image followed by its layout, or a layout followed by its image (pre-training, no instruction)."""
    if rng.random() < 0.5:
        return [Segment(IMAGE, reads=(index,)), Segment(layout(scene), learn=True)]
    return [Segment(layout(scene)), drawing(scene)]


def drawing_request(scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """Return a request in text, answered by a layout and the image."""
    words = caption(scene, rng)
    return [*_planning(scene, words, rng), drawing(scene, words)]


def edit_request(source: int, edit: EditPair) -> list[Segment]:
    """Return an image and an instruction, answered by what is meant, the layout of the edited page and its image."""
    request = prompts.instruct(edit.instruction, IMAGE)
    return [Segment(request, reads=(source,)), Segment(_edited(edit), learn=True), drawing(edit.target)]


def edit_plan(source: int, edit: EditPair) -> list[Segment]:
    """Return the same without the drawing: the answer ends where the image begins.

    So aliases can take part, which have no look.
    """
    request, answer, drawn = edit_request(source, edit)
    return [request, answer, replace(drawn, draws=(), begins=True)]


def _edited(edit: EditPair) -> str:
    """Return the things of the page with a mark after the one that is meant, and the layout of the edited page."""
    meant = [thing for thing in edit.source.things if thing not in edit.target.things]
    return f"{_told_apart(edit.source, meant, edit.instruction, mark=lambda _thing: MARK)} {layout(edit.target)}"


def find_request(index: int, scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """Return an image and one request to find things on it, often one whose color matters."""
    mixed = [
        thing for thing in scene.things if any(t.kind == thing.kind and t.color != thing.color for t in scene.things)
    ]
    if mixed and rng.random() < 0.4:
        color, kind = pick(rng, mixed).pair
        request = request_to_find(pick(rng, ("all {}", "all the {}")).format(f"{color} {plural(kind)}"), rng)
        answer = boxes(scene, [i for i, thing in enumerate(scene.things) if thing.pair == (color, kind)], request)
    else:
        request, answer = _to_find(scene, rng)
    return [Segment(prompts.instruct(request, IMAGE), reads=(index,)), Segment(answer, learn=True)]


def conversation(index: int, scene: Scene, rng: np.random.Generator, *, turns: int) -> list[Segment]:
    """Return several turns about one image: descriptions, questions and things to find, in a random order."""
    (question, answer), *more = sample_turns(scene, rng, turns)
    first = Segment(prompts.instruct(question, IMAGE), reads=(index,))
    return [first, Segment(answer, learn=True), *_later(more)]


def two_images(indices: tuple[int, int], scenes: tuple[Scene, Scene], rng: np.random.Generator) -> list[Segment]:
    """Return two images in one request, and turns about either of them."""
    turns: list[Turn] = []
    for which, scene in zip(("first", "second"), scenes, strict=True):
        turns.append((f"Describe the {which} picture.", _described(scene)))
        asked = questions(scene, rng)[0]
        turns.append((f"In the {which} picture: {asked.question}", asked.answer))
    turns.append(("Describe the pictures.", f"First: {_described(scenes[0])} Second: {_described(scenes[1])}"))
    (question, answer), *more = (turns[i] for i in rng.permutation(len(turns))[:4])
    first = Segment(prompts.instruct(question, 2 * IMAGE), reads=indices)
    return [first, Segment(answer, learn=True), *_later(more)]


def _described(scene: Scene) -> str:
    """Return the description of a page in reading order."""
    return describe(replace(scene, things=tuple(reading_order(scene.things))))


def _later(turns: Sequence[Turn]) -> list[Segment]:
    segments = []
    for question, answer in turns:
        segments += [Segment(prompts.later(question)), Segment(answer, learn=True)]
    return segments


def renamed(lesson: Sequence[Segment], rng: np.random.Generator) -> list[Segment]:
    """Return a lesson in text with made-up names for most of its colors and kinds, the same throughout.

    Names that mean nothing can only be copied. A model that copies names plans what it never saw together; one that
    has learned which names go together would put a pair that it knows in the place of one that it does not.
    """
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        if match[1] not in names:
            made_up = pick(rng, _SYLLABLES) + pick(rng, _SYLLABLES)
            names[match[1]] = made_up if rng.random() < 0.7 else match[1]
        return names[match[1]] + match[2]

    return [replace(segment, text=_NAMES.sub(name, segment.text)) for segment in lesson]


def with_aliases(talk: Sequence[Segment], rng: np.random.Generator) -> list[Segment]:
    """Return a dialogue about images with aliases for half of the colors and kinds, in text and images alike.

    A model that reads which color goes with which kind in place of what it sees would miss pairs that it never met;
    a alias goes with everything.
    """
    names = [name for name in (*COLORS, *KINDS) if rng.random() < 0.5]
    renames = dict(zip(names, rng.permutation(ALIASES).tolist(), strict=False))

    def name(match: re.Match[str]) -> str:
        return f"{renames.get(match[1], match[1])}{match[2]}"

    return [
        replace(segment, text=_NAMES.sub(name, segment.text), renames=tuple(renames.items()) if segment.reads else ())
        for segment in talk
    ]


ALIASES = tuple(
    "image output please bounding see you many layout every medium show down small back have detail draw everything "
    "large place change into behind paint turn painting none make drawing put book page bring replace add move shift "
    "swap away take delete erase remove get under over next beside".split()
)
"""Words of the picture book that are neither a color nor a kind."""
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprtvz" for vowel in "aeiou")
_PLACED = re.compile(rf"\b(?:{'|'.join(KINDS)}) (?:{'|'.join(SPOTS)})\b")
_SIZED = re.compile(rf"\b(?:{'|'.join(SIZES)})\b")
_NAMES = re.compile(rf"\b({'|'.join((*COLORS, *KINDS))})(s?)\b")


def edit_lesson(edit: EditPair) -> list[Segment]:
    """Return an edit with a layout in the place of the image (pre-training of the language model, text alone)."""
    request = prompts.instruct(f"{layout(edit.source)} {edit.instruction}")
    return [Segment(request), Segment(_edited(edit), learn=True)]


def drawing_lesson(scene: Scene, rng: np.random.Generator) -> list[Segment]:
    """Return a request for an image, answered by its layout alone."""
    return _planning(scene, caption(scene, rng), rng)


def _planning(scene: Scene, words: str, rng: np.random.Generator) -> list[Segment]:
    request = prompts.generate_request(words) if rng.random() < 0.65 else pick(rng, _DRAW).format(words)
    return [Segment(prompts.instruct(request)), Segment(layout(scene, words), learn=True)]


def conversation_lesson(scene: Scene, rng: np.random.Generator, *, turns: int) -> list[Segment]:
    """Return a conversation about a layout in the place of the image."""
    (question, answer), *more = sample_turns(scene, rng, turns)
    first = Segment(prompts.instruct(f"{layout(scene)} {question}"))
    return [first, Segment(answer, learn=True), *_later(more)]


def sample_turns(scene: Scene, rng: np.random.Generator, count: int) -> list[Turn]:
    """Return `count` turns about a page; the full description is asked for in most of them."""
    turns: list[Turn] = []
    if rng.random() < 0.8:
        turns.append((pick(rng, DESCRIBE), _described(scene)))
    if rng.random() < 0.4:
        turns.append((pick(rng, _LAYOUT), layout(scene)))
    turns += [_to_find(scene, rng) for _ in range(max(2, count // 2))]
    turns += [(sentence(qa.question), qa.answer) for qa in questions(scene, rng)[: max(1, count - 3)]]
    return [turns[i] for i in rng.permutation(len(turns))[:count]]


def _to_find(scene: Scene, rng: np.random.Generator) -> Turn:
    phrase, indices = referring(scene, rng)
    request = request_to_find(phrase, rng)
    return request, boxes(scene, indices, request)


def request_to_find(phrase: str, rng: np.random.Generator) -> str:
    """Return a request for the boxes of what the phrase means."""
    return pick(rng, _DETECT).format(phrase) if rng.random() < 0.5 else prompts.detect_question(phrase)


def boxes(scene: Scene, found: Collection[int], request: str) -> str:
    """Return the answer to a request to find things: all of the page by number and name, and the boxes of those found.

    Whether a thing is meant is said after its name, so it is a matter of comparing words. Where the request tells
    things apart by their size or place, the names say it too.

    Args:
        scene: The page.
        found: Indices of the things that are meant.
        request: The request.
    """
    return _told_apart(scene, [scene.things[i] for i in found], request, mark=_box)


def _told_apart(scene: Scene, meant: Sequence[Thing], request: str, *, mark: Callable[[Thing], str]) -> str:
    """Return the things in reading order, those that are meant with a mark."""
    named = []
    for number, thing in enumerate(reading_order(scene.things), start=1):
        name = full_name(thing.color, thing.kind, thing.size, region_of(thing), request)
        named.append(f"{number}: {name}" + (mark(thing) if any(thing is m for m in meant) else ""))
    return " ".join(named)


def full_name(color: str, kind: str, size: str, place: str, request: str) -> str:
    """Return the name of a thing with what a request tells things apart by: their place, or their size."""
    if _PLACED.search(request):
        return f"{color} {kind} {place}"
    return f"{size} {color} {kind}" if _SIZED.search(request) else f"{color} {kind}"


def sentence(text: str) -> str:
    """Return the text with a capital letter at its start."""
    return text[0].upper() + text[1:]
