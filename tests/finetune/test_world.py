from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageChops

from seedx_finetune.world import (
    BACKGROUNDS,
    COLORS,
    EDIT_KINDS,
    HELD_OUT_PAIRS,
    KINDS,
    PAIRS,
    SEEN_PAIRS,
    SIZES,
    SPOTS,
    Scene,
    Thing,
    box_around,
    caption,
    describe,
    facts,
    held_out,
    parse_description,
    place,
    plural,
    questions,
    references,
    referring,
    region_of,
    relations,
    render,
    sample_edit,
    sample_scene,
)
from seedx_tools.illustration.prompts import PICTURE_BOOK, place_phrase

HELD_OUT_WORDS = re.compile("|".join(rf"\b{color} (?:{kind}|{plural(kind)})\b" for color, kind in HELD_OUT_PAIRS))


def thing(color: str, kind: str, center: tuple[float, float], size: str = "medium") -> Thing:
    return Thing(kind, color, size, box_around(kind, center, SIZES[size]))  # type: ignore[arg-type, index]


HOUSE_AND_TREES = Scene(
    "meadow",
    (
        thing("red", "house", (0.22, 0.5)),
        thing("green", "tree", (0.78, 0.22), "small"),
        thing("green", "tree", (0.78, 0.75)),
    ),
)
CATS_AND_STAR = Scene(
    "night sky",
    (
        thing("pink", "cat", (0.25, 0.22)),
        thing("yellow", "star", (0.25, 0.78)),
        thing("blue", "cat", (0.78, 0.22), "small"),
    ),
)


def changed_box(a: Image.Image, b: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(a, b).getbbox()


def test_vocabulary_holds_out_twelve_of_128_pairs() -> None:
    assert (len(KINDS), len(COLORS), len(BACKGROUNDS), len(PAIRS)) == (16, 8, 5, 128)
    assert set(SEEN_PAIRS) | set(HELD_OUT_PAIRS) == set(PAIRS)
    assert not set(SEEN_PAIRS) & set(HELD_OUT_PAIRS)
    assert len(HELD_OUT_PAIRS) == 12
    assert held_out("house", "green")  # 0 * 7 + 3
    assert not held_out("house", "red")
    for kind in KINDS:
        assert sum(held_out(kind, color) for color in COLORS) <= 1


def test_colors_are_far_apart_and_far_from_every_background() -> None:
    fills = [fill for background in BACKGROUNDS.values() for fill in background.fills]
    for name, rgb in COLORS.items():
        others = [other for key, other in COLORS.items() if key != name]
        assert min(np.linalg.norm(np.subtract(rgb, other)) for other in others + fills) > 50, name


def test_pages_texts_and_edits_never_show_a_held_out_pair() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3000):
        scene = sample_scene(rng)
        texts = [caption(scene, rng), describe(scene), referring(scene, rng)[0]]
        texts += [f"{qa.question} {qa.answer}" for qa in questions(scene, rng)]
        edit = sample_edit(rng)
        texts.append(edit.instruction)
        for page in (scene, edit.source, edit.target):
            assert not set(facts(page)) & set(HELD_OUT_PAIRS)
        assert not HELD_OUT_WORDS.search(" | ".join(texts)), texts


def test_the_same_seed_gives_the_same_page_words_edit_and_picture() -> None:
    def everything(seed: int) -> tuple[object, ...]:
        rng = np.random.default_rng(seed)
        scene = sample_scene(rng)
        words = caption(scene, rng), tuple(questions(scene, rng)), referring(scene, rng)
        return scene, words, sample_edit(rng), render(scene).tobytes()

    assert everything(7) == everything(7)
    assert everything(7) != everything(8)


def test_things_stay_inside_the_page_and_apart() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        things = sample_scene(rng).things
        assert 1 <= len(things) <= 4
        for i, a in enumerate(things):
            assert 0.019 < a.box[0] < a.box[2] < 0.981
            assert 0.019 < a.box[1] < a.box[3] < 0.981
            side = max(a.box[2] - a.box[0], a.box[3] - a.box[1])
            assert side == pytest.approx(SIZES[a.size], rel=0.051)
            for b in things[i + 1 :]:
                width = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
                height = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
                assert width <= 0 or height <= 0


def test_a_third_of_the_pages_are_for_counting() -> None:
    rng = np.random.default_rng(2)
    pages = [facts(sample_scene(rng)) for _ in range(1000)]
    equal = sum(len(page) == 1 and page.total() > 1 for page in pages)
    assert 250 < equal < 400


def test_place_draws_exactly_the_given_things_or_says_that_they_do_not_fit() -> None:
    rng = np.random.default_rng(3)
    contents = [("red", "cat"), ("red", "cat"), ("green", "house")]
    scene = place(rng, contents, background="snow", size="small")
    assert facts(scene) == Counter(contents)
    assert scene.background == "snow"
    assert {t.size for t in scene.things} == {"small"}
    with pytest.raises(ValueError, match="6 things of size large don't fit on a page; use fewer or smaller ones"):
        place(rng, [("red", "cat")] * 6, size="large")
    with pytest.raises(ValueError, match=r"num_things 5 is outside 1\.\.4"):
        sample_scene(rng, num_things=5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_box_is_tight_around_the_drawing(kind: str) -> None:
    for size in SIZES:
        one = thing("red", kind, (0.47, 0.51), size)
        found = changed_box(render(Scene("room", (one,))), render(Scene("room", ())))
        assert found is not None
        np.testing.assert_allclose(found, np.multiply(one.box, 128), atol=2)


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_shows_the_color(kind: str) -> None:
    for color, rgb in COLORS.items():
        one = thing(color, kind, (0.5, 0.5), "small")
        x0, y0, x1, y1 = (round(c * 128) for c in one.box)
        pixels = np.asarray(render(Scene("room", (one,))))[y0:y1, x0:x1].reshape(-1, 3).astype(int)
        distances = np.stack([np.abs(pixels - other).sum(1) for other in COLORS.values()], 1)
        near = distances.argmin(1)[distances.min(1) < 30]
        assert Counter(near.tolist()).most_common(1)[0][0] == tuple(COLORS).index(color)
        assert np.abs(pixels - rgb).sum(1).min() < 12


def test_pictures_have_the_size_asked_for() -> None:
    for size in (64, 128, 256):
        picture = render(HOUSE_AND_TREES, size)
        assert (picture.size, picture.mode) == ((size, size), "RGB")


def test_regions_and_relations_of_a_known_page() -> None:
    assert [region_of(t) for t in HOUSE_AND_TREES.things] == ["on the left", "at the top right", "at the bottom right"]
    assert set(relations(HOUSE_AND_TREES)) == {
        (0, "left of", 1),
        (1, "right of", 0),
        (0, "left of", 2),
        (2, "right of", 0),
        (1, "above", 2),
        (2, "below", 1),
    }
    for words, center in SPOTS.items():
        assert region_of(thing("red", "ball", center)) == words


def test_describe_says_every_thing_in_the_order_of_the_things() -> None:
    assert describe(HOUSE_AND_TREES) == "A meadow with 1: red house, 2: green tree, 3: green tree."
    assert describe(CATS_AND_STAR) == "A night sky with 1: pink cat, 2: yellow star, 3: blue cat."
    assert describe(Scene("snow", ())) == "A snowy field with nothing on it."


def test_parse_description_is_the_inverse_of_describe() -> None:
    rng = np.random.default_rng(4)
    for _ in range(500):
        scene = sample_scene(rng, pairs=PAIRS)
        assert parse_description(describe(scene)) == (scene.background, facts(scene))
    for name in BACKGROUNDS:
        assert parse_description(describe(Scene(name, ()))) == (name, Counter())


@pytest.mark.parametrize(
    ("text", "background", "counted"),
    [
        ("At the beach I see 3 small red boats, and a blue cat!", "beach", {("red", "boat"): 3, ("blue", "cat"): 1}),
        ("Yellow fish swim; no green cup.", None, {("yellow", "fish"): 1}),
        ("Two big orange umbrellas in the snow at the top", "snow", {("orange", "umbrella"): 2}),
        ("a red balloon above a red ball. The red ball is big.", None, {("red", "balloon"): 1, ("red", "ball"): 1}),
        ("pink hats indoors", "room", {("pink", "hat"): 2}),
        ("a photograph", None, {}),
    ],
)
def test_parse_description_understands_other_wordings(
    text: str, background: str | None, counted: dict[tuple[str, str], int]
) -> None:
    assert parse_description(text) == (background, Counter(counted))


def test_captions_tell_the_truth_in_many_wordings() -> None:
    rng = np.random.default_rng(5)
    seen = set()
    complete = 0
    for _ in range(600):
        scene = sample_scene(rng)
        text = caption(scene, rng)
        seen.add(text)
        background, counted = parse_description(text)
        assert background in (None, scene.background)
        assert counted <= facts(scene), (text, scene)
        complete += counted == facts(scene)
        for kind in {t.kind for t in scene.things}:
            assert re.search(rf"\b({kind}|{plural(kind)})\b", text)
    assert complete > 450  # the rest leave colors out
    assert len(seen) > 500


def test_captions_state_the_relation_that_the_page_shows() -> None:
    rng = np.random.default_rng(6)
    pair = Scene("room", HOUSE_AND_TREES.things[:2])
    told = [caption(pair, rng) for _ in range(200)]
    pattern = re.compile(r"(house|tree) (?:to the )?(left|right) of (?:an?|one) (?:\w+ )*?(house|tree)")
    found = {match.groups() for text in told if (match := pattern.search(text))}
    assert found == {("house", "left", "tree"), ("tree", "right", "house")}


def test_references_point_at_exactly_one_thing() -> None:
    assert references(HOUSE_AND_TREES, 0) == ["house", "red house", "house on the left", "red house on the left"]
    assert references(HOUSE_AND_TREES, 1) == [
        "small tree",
        "small green tree",
        "tree at the top right",
        "green tree at the top right",
    ]
    twins = Scene("room", (thing("red", "cup", (0.4, 0.36), "small"), thing("red", "cup", (0.4, 0.64), "small")))
    assert references(twins, 0) == []  # equal size, and the center is too near to the border between two regions


def test_referring_means_what_the_words_say() -> None:
    rng = np.random.default_rng(7)
    phrases = {}
    for _ in range(300):
        phrase, indices = referring(HOUSE_AND_TREES, rng)
        phrases[phrase] = indices
    assert phrases["the red house"] == [0]
    assert phrases["the small tree"] == [1]
    assert sorted(phrases["all trees"]) == [1, 2]
    assert sorted(phrases["all green trees"]) == [1, 2]
    assert sorted(phrases["everything"]) == [0, 1, 2]
    for indices in phrases.values():
        centers = [HOUSE_AND_TREES.things[i].center[0] for i in indices]
        assert centers == sorted(centers)
    with pytest.raises(ValueError, match="an empty scene has nothing to refer to"):
        referring(Scene("room", ()), rng)


def test_answers_on_known_pages() -> None:
    rng = np.random.default_rng(8)
    asked = {qa.question: qa.answer for _ in range(400) for qa in questions(HOUSE_AND_TREES, rng)}
    expected = {
        "is there a red house?": "yes",
        "is there a blue house?": "no",
        "is this a meadow?": "yes",
        "is this a beach?": "no",
        "is the house to the left of the small tree?": "yes",
        "is the house to the right of the small tree?": "no",
        "what color is the house?": "red",
        "what color is the small tree?": "green",
        "what color are the trees?": "green",
        "how many trees are there?": "two",
        "how many red houses are there?": "one",
        "how many things are there?": "three",
        "how many boats are there?": "none",
        "where is the red house?": "on the left",
        "where is the small tree?": "at the top right",
        "what is to the left of the small tree?": "the red house",
        "what is the background?": "a meadow",
    }
    assert {question: asked.get(question) for question in expected} == expected
    # two equal trees can't be told apart by color and kind, so nothing is asked that they would answer
    assert not any("to the right of the house" in q for q in asked if not q.startswith("is "))

    asked = {qa.question: qa.answer for _ in range(400) for qa in questions(CATS_AND_STAR, rng)}
    expected = {
        "what is below the pink cat?": "the yellow star",
        "how many cats are there?": "two",
        "how many blue cats are there?": "one",
        "what is the background?": "a night sky",
    }
    assert {question: asked.get(question) for question in expected} == expected
    # the blue cat lies diagonally to the star, so these aren't certain
    assert "what is above the star?" not in asked
    assert "what is to the left of the blue cat?" not in asked
    assert "what color is the cat?" not in asked


def test_answers_agree_with_the_pages_facts() -> None:
    rng = np.random.default_rng(9)
    numbers = {"none": 0, "one": 1, "two": 2, "three": 3, "four": 4}
    noun = {form: kind for kind in KINDS for form in (kind, plural(kind))}
    tally: Counter[tuple[str, str]] = Counter()
    for _ in range(800):
        scene = sample_scene(rng)
        for qa in questions(scene, rng):
            tally[qa.type, qa.answer if qa.type == "yes_no" else ""] += 1
            words = re.findall(r"[a-z]+", qa.question)
            kinds = [noun[word] for word in words if word in noun]
            colors = [word for word in words if word in COLORS]
            fit = [t for t in scene.things if kinds[:1] in ([], [t.kind]) and (not colors or t.color == colors[0])]
            if qa.type == "count":
                assert len(fit) == numbers[qa.answer], qa
            elif qa.type == "color":
                assert qa.answer in {t.color for t in fit}, qa
            elif qa.type == "where":
                assert qa.answer in {region_of(t) for t in fit}, qa
            elif qa.type == "background":
                assert qa.answer == BACKGROUNDS[scene.background].noun
            elif qa.type == "yes_no" and len(kinds) == 1:
                assert (qa.answer == "yes") == bool(fit), qa
    assert {kind for kind, _ in tally} == {"yes_no", "color", "count", "where", "relation", "background"}
    share = tally["yes_no", "yes"] / (tally["yes_no", "yes"] + tally["yes_no", "no"])
    assert 0.45 < share < 0.55


def test_every_kind_of_edit_occurs_and_is_worded_in_several_ways() -> None:
    rng = np.random.default_rng(10)
    edits = [sample_edit(rng) for _ in range(300)]
    assert {edit.kind for edit in edits} == set(EDIT_KINDS)
    for kind in EDIT_KINDS:
        assert len({edit.instruction.split()[0] for edit in edits if edit.kind == kind}) >= 3, kind


@pytest.mark.parametrize("kind", EDIT_KINDS)
def test_an_edit_changes_pixels_only_inside_its_region(kind: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(20):
        edit = sample_edit(rng, kind=kind)  # type: ignore[arg-type]
        before, after = np.asarray(render(edit.source)), np.asarray(render(edit.target))
        may_change = np.zeros((128, 128), bool)
        for x0, y0, x1, y1 in edit.region:
            may_change[int(y0 * 128) : int(np.ceil(y1 * 128)), int(x0 * 128) : int(np.ceil(x1 * 128))] = True
        changed = (before != after).any(2)
        assert changed.any()
        assert not (changed & ~may_change).any(), edit


def test_edits_do_what_the_words_say() -> None:
    rng = np.random.default_rng(12)
    for _ in range(600):
        edit = sample_edit(rng)
        gone, new = facts(edit.source) - facts(edit.target), facts(edit.target) - facts(edit.source)
        words = edit.instruction
        if edit.kind == "background":
            hint = BACKGROUNDS[edit.target.background]
            assert hint.noun in words or hint.phrase in words
            assert edit.source.things == edit.target.things
        elif edit.kind == "move":
            assert not gone and not new
            (before,) = set(edit.source.things) - set(edit.target.things)
            (after,) = set(edit.target.things) - set(edit.source.things)
            assert words.endswith("to " + region_of(after).split(" ", 1)[1])
            assert region_of(before) != region_of(after)
        elif edit.kind == "remove":
            assert (gone.total(), new.total()) == (1, 0)
            assert next(iter(gone))[1] in words
        elif edit.kind == "add":
            ((color, kind),) = new
            assert not gone
            assert f"{color} {kind} " in words
            assert words.endswith(region_of(edit.target.things[-1]))
            assert edit.target.things[-1].box == box_around(kind, SPOTS[region_of(edit.target.things[-1])], 0.36)
        else:
            ((old_color, old_kind),), ((color, kind),) = gone, new
            assert old_kind in words
            if edit.kind == "recolor":
                assert kind == old_kind and color != old_color
                assert words.endswith(color)
            else:
                assert kind != old_kind
                assert re.search(rf"\b{kind}$", words)
                assert color == old_color or f"{color} {kind}" in words


def test_edits_that_the_pairs_cannot_give_are_refused() -> None:
    with pytest.raises(ValueError, match="no recolor edit found with 1 pairs"):
        sample_edit(np.random.default_rng(13), pairs=[("red", "house")], kind="recolor")


def test_the_tools_know_the_words_of_the_world() -> None:
    assert tuple(PICTURE_BOOK["kinds"]) == KINDS
    assert tuple(PICTURE_BOOK["colors"]) == tuple(COLORS)
    assert tuple(PICTURE_BOOK["backgrounds"]) == tuple(BACKGROUNDS)
    assert [place_phrase(name) for name in BACKGROUNDS] == [background.phrase for background in BACKGROUNDS.values()]
