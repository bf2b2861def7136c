"""Edits keep what they do not name: on the pages of the picture book, where the truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageFilter

from seedx_finetune.nano.dialogues import MARK, layout
from seedx_finetune.world import EditKind, EditPair, Scene, Thing, box_around, render, sample_edit
from seedx_sdk import SeedX
from seedx_sdk.engine.edit_blending import EditPlan, blend_edit

KINDS: tuple[EditKind, ...] = ("recolor", "add", "remove", "replace", "move")


def plan_of(edit: EditPair) -> EditPlan:
    """Return the plan that a model without faults would write."""
    names = []
    for number, thing in enumerate(edit.source.things, start=1):
        mark = "" if thing in edit.target.things else MARK
        names.append(f"{number}: {thing.color} {thing.kind}{mark}")
    return EditPlan.parse(f"{' '.join(names)} {layout(edit.target)}<img>")


def drawn(scene: Scene) -> Image.Image:
    """Return a scene as a small model would draw it: all of it slightly blurred, and too dark."""
    return Image.eval(render(scene).filter(ImageFilter.GaussianBlur(1)), lambda value: max(0, value - 4))


def error(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


def test_a_plan_says_what_stays_and_what_is_meant() -> None:
    written = (
        "1: red house on the left <box_start> <box_end> 2: blue boat a meadow: "
        "1: red house <box_start> <loc-112> <loc-56> <loc-28> <loc-28> <box_end> "
        "2: blue boat <box_start> <loc-56> <loc-168> <loc-56> <loc-56> <box_end> <img> </img>"
    )
    plan = EditPlan.parse(written)
    assert plan.meant == ("red house on the left",)
    assert plan.kept == ("blue boat a meadow:",)
    assert [label for label, _ in plan.layout] == ["red house", "blue boat"]
    assert plan.layout[1][1] == pytest.approx((0.125, 0.625, 0.375, 0.875))
    assert EditPlan.parse("yes") == EditPlan()


@pytest.mark.parametrize("kind", KINDS)
def test_kept_objects_are_the_source_and_the_edit_is_there(kind: EditKind) -> None:
    rng = np.random.default_rng(3)
    for _ in range(12):
        edit = sample_edit(rng, kind=kind)
        source, edited = render(edit.source), drawn(edit.target)
        blended = blend_edit(source, edited, plan_of(edit))
        assert error(blended, render(edit.target)) < 0.6 * error(edited, render(edit.target)), edit.instruction
        for thing in edit.source.things:
            if thing in edit.target.things:
                left, top, right, bottom = (round(value * 128) for value in thing.box)
                box = (left, top, right, bottom)
                assert error(blended.crop(box), source.crop(box)) < 2, edit.instruction


def test_an_edit_of_the_whole_image_is_left_as_it_was_drawn() -> None:
    edit = sample_edit(np.random.default_rng(5), kind="background")
    edited = drawn(edit.target)
    assert blend_edit(render(edit.source), edited, plan_of(edit)) is edited
    marked = dataclasses.replace(plan_of(edit), meant=("red house",))
    assert blend_edit(render(edit.source), edited, marked) is edited
    assert blend_edit(render(edit.source), edited, EditPlan()) is edited


def test_of_equal_objects_the_new_one_is_found_by_its_pixels() -> None:
    first, second = (Thing("cat", "red", "small", box_around("cat", at, 0.24)) for at in ((0.22, 0.22), (0.78, 0.78)))
    source, target = Scene("room", (first,)), Scene("room", (first, second))
    edit = EditPair(source, target, "add a red cat", "add", (second.box,))
    blended = blend_edit(render(source), drawn(target), plan_of(edit))
    corner = (0, 0, 64, 64)
    assert error(blended.crop(corner), render(source).crop(corner)) == 0
    assert error(blended, render(target)) < error(drawn(target), render(target)) / 2


def test_a_source_of_another_size_is_squeezed_to_the_drawn_one() -> None:
    edit = sample_edit(np.random.default_rng(7), kind="recolor")
    blended = blend_edit(render(edit.source, 256).resize((256, 160)), drawn(edit.target), plan_of(edit))
    assert blended.size == (128, 128)
    assert error(blended, render(edit.target)) < error(drawn(edit.target), render(edit.target))


def test_the_shipped_model_keeps_the_rest_of_the_page() -> None:
    house = Thing("house", "red", "medium", box_around("house", (0.25, 0.4), 0.4))
    tree = Thing("tree", "green", "medium", box_around("tree", (0.75, 0.6), 0.4))
    page = render(Scene("meadow", (house, tree)))
    with SeedX() as seedx:
        edited = seedx.edit(page, "Make the house BLUE.", seed=0).image
    right, left = (64, 0, 128, 128), (0, 0, 64, 128)
    assert error(edited.crop(right), page.crop(right)) < 0.5
    assert error(edited.crop(left), page.crop(left)) > 5
