"""What the language model is taught, as text: nothing held out in it, and layouts that say where things are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from seedx_finetune.nano import dialogues
from seedx_finetune.nano.dialogues import IMAGE, Segment
from seedx_finetune.nano.matching import matching_lesson
from seedx_finetune.world import (
    COLORS,
    HELD_OUT_PAIRS,
    KINDS,
    EditPair,
    Scene,
    Thing,
    box_around,
    facts,
    plural,
    sample_arranged_scene,
    sample_edit,
    sample_scene,
)
from seedx_sdk.tokens import NUM_LOC_BINS, box_to_normalized, image_block, parse_boxes

HELD_OUT_WORDS = re.compile("|".join(rf"\b{color} (?:{kind}|{plural(kind)})\b" for color, kind in HELD_OUT_PAIRS))
Made = tuple[list[Segment], list[Scene]]


def _grounded_caption(rng: np.random.Generator) -> Made:
    scene = sample_scene(rng)
    return dialogues.grounded_caption(0, scene, rng), [scene]


def _drawing_request(rng: np.random.Generator) -> Made:
    scene = sample_arranged_scene(rng)
    return dialogues.drawing_request(scene, rng), [scene]


def _conversation(rng: np.random.Generator) -> Made:
    scene = sample_scene(rng)
    return dialogues.conversation(0, scene, rng, turns=8), [scene]


def _find_request(rng: np.random.Generator) -> Made:
    scene = sample_scene(rng)
    return dialogues.find_request(0, scene, rng), [scene]


def _two_images(rng: np.random.Generator) -> Made:
    first, second = sample_scene(rng), sample_scene(rng)
    return dialogues.two_images((0, 1), (first, second), rng), [first, second]


def _edit_request(rng: np.random.Generator) -> Made:
    edit = sample_edit(rng)
    return dialogues.edit_request(0, edit), [edit.source, edit.target]


def _edit_plan(rng: np.random.Generator) -> Made:
    edit = sample_edit(rng)
    return dialogues.edit_plan(0, edit), [edit.source, edit.target]


def _edit_lesson(rng: np.random.Generator) -> Made:
    edit = sample_edit(rng)
    return dialogues.edit_lesson(edit), [edit.source, edit.target]


def _drawing_lesson(rng: np.random.Generator) -> Made:
    scene = sample_arranged_scene(rng)
    return dialogues.drawing_lesson(scene, rng), [scene]


def _conversation_lesson(rng: np.random.Generator) -> Made:
    scene = sample_scene(rng)
    return dialogues.conversation_lesson(scene, rng, turns=5), [scene]


def _matching_lesson(rng: np.random.Generator) -> Made:
    return matching_lesson(rng), []


KINDS_OF_DIALOGUE = (
    _grounded_caption,
    _drawing_request,
    _conversation,
    _find_request,
    _matching_lesson,
    _two_images,
    _edit_request,
    _edit_plan,
    _edit_lesson,
    _drawing_lesson,
    _conversation_lesson,
)


@pytest.mark.parametrize("make", KINDS_OF_DIALOGUE, ids=lambda make: make.__name__.strip("_"))
def test_no_dialogue_shows_or_names_a_held_out_pair(make: Callable[[np.random.Generator], Made]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(600):
        segments, scenes = make(rng)
        for scene in scenes:
            assert not set(facts(scene)) & set(HELD_OUT_PAIRS)
        text = "".join(segment.text for segment in segments)
        assert not HELD_OUT_WORDS.search(text), text
        assert any(segment.learn or segment.begins or segment.draws for segment in segments)


@pytest.mark.parametrize("make", KINDS_OF_DIALOGUE, ids=lambda make: make.__name__.strip("_"))
def test_the_same_seed_gives_the_same_dialogue(make: Callable[[np.random.Generator], Made]) -> None:
    assert make(np.random.default_rng(3)) == make(np.random.default_rng(3))


def test_a_layout_parses_back_to_the_boxes_of_the_page() -> None:
    rng = np.random.default_rng(6)
    for _ in range(200):
        scene = sample_scene(rng)
        found = [box_to_normalized(bins) for bins in parse_boxes(dialogues.layout(scene))]
        for box in (thing.box for thing in scene.things):
            # each corner is a center and half a side, both cut to a bin and rounded to a multiple of four
            assert any(np.allclose(box, other, atol=4.5 / NUM_LOC_BINS) for other in found), (box, found)
        assert all(value % dialogues.COARSE == 0 for bins in parse_boxes(dialogues.layout(scene)) for value in bins)
        assert len(found) == len(scene.things)


def _thing(color: str, kind: str, x: float, y: float) -> Thing:
    return Thing(kind, color, "small", box_around(kind, (x, y), 0.2))


def _words(layout: str) -> str:
    return re.sub(r"<[^>]*>", "", layout)


def test_a_layout_names_the_background_and_comes_in_reading_order() -> None:
    cats = (_thing("red", "cat", 0.8, 0.3), _thing("red", "cat", 0.2, 0.7), _thing("blue", "cat", 0.2, 0.3))
    scene = Scene("snow", (*cats, _thing("red", "house", 0.5, 0.7)))
    assert _words(dialogues.layout(scene)) == "a snowy field: 1: blue cat 2: red cat 3: red cat 4: red house"
    assert dialogues.layout(scene) == f"a snowy field: {dialogues.boxes(scene, [2, 0, 1, 3], 'Find all things.')}"
    first, second = (bins[:2] for bins in parse_boxes(dialogues.layout(scene))[:2])
    assert first == (44, 68) and second == (180, 68)


def test_the_answer_to_find_names_all_and_has_boxes_of_those_meant() -> None:
    cats = (_thing("red", "cat", 0.8, 0.3), _thing("blue", "cat", 0.2, 0.3))
    scene = Scene("snow", (*cats, _thing("red", "house", 0.5, 0.7)))
    answer = dialogues.boxes(scene, [0], "Find the red cat.")
    assert _words(answer) == "1: blue cat 2: red cat 3: red house"
    assert re.fullmatch(r"1: blue cat 2: red cat<box_start>[^ ]*<box_end> 3: red house", answer)
    assert parse_boxes(answer) == parse_boxes(dialogues.layout(scene))[1:2]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("Find all cats.", "1: blue cat 2: red cat"),
        ("Find the cat at the top right.", "1: blue cat at the top left 2: red cat at the top right"),
        ("remove the small red cat", "1: small blue cat 2: small red cat"),
        ("put the cat at the top left", "1: blue cat at the top left 2: red cat at the top right"),
        ("move the cat to the top left", "1: blue cat 2: red cat"),
    ],
)
def test_things_are_named_with_what_the_request_tells_them_apart_by(words: str, names: str) -> None:
    scene = Scene("snow", (_thing("red", "cat", 0.8, 0.3), _thing("blue", "cat", 0.2, 0.3)))
    assert _words(dialogues.boxes(scene, [0], words)) == names


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("a red house above two cats and a balloon", "1: red house 2: red cat 3: blue cat 4: green balloon"),
        ("a balloon, a blue cat, a red cat and a house", "1: green balloon 2: blue cat 3: red cat 4: red house"),
    ],
)
def test_a_plan_comes_in_the_order_of_the_words(words: str, order: str) -> None:
    cats = (_thing("red", "cat", 0.2, 0.7), _thing("blue", "cat", 0.8, 0.7))
    scene = Scene("room", (*cats, _thing("green", "balloon", 0.2, 0.2), _thing("red", "house", 0.8, 0.2)))
    assert _words(dialogues.layout(scene, words)) == f"a room: {order}"


def test_a_description_comes_in_reading_order() -> None:
    things = (_thing("red", "cat", 0.8, 0.7), _thing("blue", "cat", 0.2, 0.3), _thing("red", "cat", 0.2, 0.7))
    rng = np.random.default_rng(0)
    said = {answer for _ in range(20) for _, answer in dialogues.sample_turns(Scene("snow", things), rng, 4)}
    assert "A snowy field with 1: blue cat, 2: red cat, 3: red cat." in said


def test_an_edit_reads_the_source_says_what_is_meant_and_the_target_and_draws_it() -> None:
    cats = (_thing("red", "cat", 0.8, 0.3), _thing("blue", "cat", 0.2, 0.3))
    target = Scene("snow", (replace(cats[0], color="green"), cats[1]))
    edit = EditPair(Scene("snow", cats), target, "make the red cat green", "recolor", (cats[0].box,))
    request, answer, drawn = dialogues.edit_request(4, edit)
    assert request == Segment(f"[INST] {IMAGE}make the red cat green [/INST]\n", reads=(4,))
    assert answer.learn
    assert answer.text == f"1: blue cat 2: red cat{dialogues.MARK} {dialogues.layout(target)}"
    assert parse_boxes(answer.text) == parse_boxes(dialogues.layout(target))  # the mark is no box
    assert drawn == dialogues.drawing(target)


def test_the_plan_of_an_edit_can_be_told_with_stand_ins_and_ends_where_its_picture_begins() -> None:
    cat = _thing("red", "cat", 0.8, 0.3)
    edit = EditPair(Scene("snow", (cat,)), Scene("snow", ()), "remove the red cat", "remove", (cat.box,))
    request, answer, begun = dialogues.with_aliases(dialogues.edit_plan(4, edit), np.random.default_rng(4))
    named = dict(request.renames)
    name = f"{named.get('red', 'red')} {named.get('cat', 'cat')}"
    assert named and request.reads == (4,) and f"remove the {name} [/INST]" in request.text
    assert answer.learn and answer.text == f"1: {name}{dialogues.MARK} a snowy field:"
    assert begun == Segment(image_block(0), begins=True)


def test_an_edit_that_means_no_thing_marks_none() -> None:
    edit: EditPair = sample_edit(np.random.default_rng(7), kind="background")
    _, answer, _ = dialogues.edit_request(4, edit)
    assert dialogues.MARK not in answer.text and answer.text.endswith(dialogues.layout(edit.target))


def test_a_conversation_has_the_turns_asked_for_and_one_picture() -> None:
    rng = np.random.default_rng(8)
    segments = dialogues.conversation(9, sample_scene(rng, num_things=3), rng, turns=4)
    assert [segment.learn for segment in segments] == [False, True] * 4
    assert [segment.reads for segment in segments] == [(9,)] + [()] * 7
    assert IMAGE in segments[0].text
    assert all(segment.text.startswith("\n[INST] ") for segment in segments[2::2])


def test_a_drawing_request_is_answered_by_its_layout_and_its_picture() -> None:
    rng = np.random.default_rng(9)
    scene = sample_scene(rng)
    request, answer, drawn = dialogues.drawing_request(scene, rng)
    assert request.text.startswith("[INST] ") and not (request.learn or request.reads)
    assert answer.learn and sorted(parse_boxes(answer.text)) == sorted(parse_boxes(dialogues.layout(scene)))
    assert drawn.text == image_block(0) and len(drawn.draws) == 1
    assert dialogues.layout(drawn.draws[0], request.text) == answer.text


@pytest.mark.parametrize(("words", "order"), [("a cat and a dog", ["cat", "dog"]), (None, ["dog", "cat"])])
def test_a_page_is_drawn_in_the_order_of_its_plan(words: str | None, order: list[str]) -> None:
    cat, dog = (Thing(kind, "red", "small", (0.1, y, 0.3, y + 0.2)) for kind, y in (("cat", 0.7), ("dog", 0.1)))
    (drawn,) = dialogues.drawing(Scene("snow", (cat, dog)), words).draws
    assert [thing.kind for thing in drawn.things] == order
    assert re.findall("red ([a-z]+)", dialogues.layout(Scene("snow", (cat, dog)), words)) == order


def test_a_page_is_drawn_as_its_layout_says() -> None:
    scene = sample_scene(np.random.default_rng(3), num_things=3)
    written = dialogues.as_written(scene)
    assert dialogues.layout(written) == dialogues.layout(scene) and written != scene
    for ours, theirs in zip(written.things, scene.things, strict=True):
        assert ours.pair == theirs.pair
        assert np.abs(np.array(ours.box) - np.array(theirs.box)).max() < 1.5 * dialogues.COARSE / 224


def test_made_up_names_are_the_same_throughout_a_lesson_and_nothing_else_changes() -> None:
    rng = np.random.default_rng(0)
    scene = Scene("snow", (Thing("cat", "red", "small", (0.1, 0.1, 0.3, 0.3)),))
    lesson = [Segment("Draw two red cats, a balloon and a ball."), Segment(dialogues.layout(scene), learn=True)]
    said = set()
    for _ in range(30):
        asked, answer = dialogues.renamed(lesson, rng)
        assert answer.learn and not asked.learn
        words = re.fullmatch(r"Draw two (\w+) (\w+)s, a (\w+) and a (\w+)\.", asked.text)
        assert words is not None
        assert f" 1: {words[1]} {words[2]}<box_start>" in answer.text
        assert answer.text.split("<")[1:] == lesson[1].text.split("<")[1:]
        said |= {words[1], words[2]}
    assert {"red", "cat"} < said and len(said) > 20


def test_stand_ins_are_the_same_in_words_and_pictures() -> None:
    rng = np.random.default_rng(2)
    scene = Scene("snow", (Thing("cat", "red", "small", (0.1, 0.1, 0.3, 0.3)),))
    called = set()
    for _ in range(30):
        talk = dialogues.grounded_caption(5, scene, np.random.default_rng(2))
        picture, answer = dialogues.with_aliases(talk, rng)
        assert picture.reads == (5,) and answer.learn and answer.renames == ()
        renames = dict(picture.renames)
        assert len(set(renames.values())) == len(renames) and set(renames.values()) <= set(dialogues.ALIASES)
        cat, red = renames.get("cat", "cat"), renames.get("red", "red")
        assert answer.text == talk[1].text.replace("red cat", f"{red} {cat}")
        called |= {cat, red}
    assert {"red", "cat"} < called and len(called) > 15
    assert not {*COLORS, *KINDS} & set(dialogues.ALIASES)
