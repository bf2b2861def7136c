from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from seedx_finetune.cli.evaluate import eval_app, report_table
from seedx_finetune.evaluation import Judge, evaluate, train_judge
from seedx_finetune.evaluation.contact_sheet import ContactSheet
from seedx_finetune.evaluation.describe import is_right
from seedx_finetune.evaluation.detect import matched_overlaps
from seedx_finetune.evaluation.edit import MOST_PSNR_DB, kept_boxes, psnr_inside, psnr_outside
from seedx_finetune.evaluation.judge import UNCLEAR, WEIGHTS, DetectedThing, JudgeNet, Observation, iou
from seedx_finetune.evaluation.judge_check import measure
from seedx_finetune.evaluation.judge_pages import make_batch, spoiled
from seedx_finetune.evaluation.pages import (
    QUESTION_TYPES,
    edits_to_make,
    pages_to_describe,
    questions_to_ask,
    references_to_detect,
)
from seedx_finetune.evaluation.prompts import (
    CATEGORIES,
    SPLITS,
    Prompt,
    RequestedThing,
    sample_prompts,
    scene_for,
    wrong_prompts,
)
from seedx_finetune.evaluation.statistics import average, mean, proportion, ratio
from seedx_finetune.evaluation.subject import drawn
from seedx_finetune.evaluation.train_judge import judge_losses, save, train
from seedx_finetune.evaluation.verdict import is_done, is_fulfilled, lies
from seedx_finetune.world import BACKGROUNDS, QA, EditPair, Scene, Thing, describe, facts, held_out, render
from seedx_sdk import SeedX
from seedx_sdk.errors import ModelError, WeightsMissingError
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Box, Description, Detection, EditedImage, GeneratedImage

COUNT, SEED = 6, 3
COMMON: dict[str, Any] = {"seed": 0, "model": "oracle", "revision": "1", "timings": {}, "warnings": ()}


class Oracle:
    """Answers everything from the truth; `wrong` makes it answer something else."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong
        self.prompts: dict[str, Prompt] = {}
        self.scenes: dict[bytes, Scene] = {}
        self.answers: dict[tuple[bytes, str], str] = {}
        self.boxes: dict[tuple[bytes, str], tuple[Thing, ...]] = {}
        self.edits: dict[tuple[bytes, str], EditPair] = {}
        for split in SPLITS:
            for category in CATEGORIES:
                self.prompts |= {prompt.text: prompt for prompt in sample_prompts(category, split, COUNT, SEED)}
            for scene in pages_to_describe(split, COUNT, SEED):
                self.scenes[render(scene).tobytes()] = scene
            for scene, question in questions_to_ask(split, COUNT, SEED):
                self.answers[render(scene).tobytes(), question.question] = question.answer
            for reference in references_to_detect(split, COUNT, SEED):
                self.boxes[render(reference.scene).tobytes(), reference.phrase] = reference.things
            for edit in edits_to_make(split, COUNT, SEED):
                self.edits[render(edit.source).tobytes(), edit.instruction] = edit

    def describe(self, images: Image.Image, question: str | None = None, *, seed: int = 0) -> Description:  # noqa: ARG002
        if self.wrong:
            return Description(text="There is nothing.", **COMMON)
        known = self.answers.get((images.tobytes(), question)) if question else describe(self.scenes[images.tobytes()])
        return Description(text=str(known), **COMMON)

    def detect(self, image: Image.Image, phrase: str, *, seed: int = 0) -> Detection:  # noqa: ARG002
        corners = [thing.box for thing in self.boxes[image.tobytes(), phrase]]
        shift = 0.5 if self.wrong else 0.0
        boxes = tuple(
            Box.on("", (x0 * (1 - shift), y0 * (1 - shift), x1, y1), image.size) for x0, y0, x1, y1 in corners
        )
        return Detection(boxes=boxes[shift > 0 :], text="", annotated=image, **COMMON)

    def generate(self, prompt: str, *, seed: int = 0) -> GeneratedImage:
        rng = np.random.default_rng(seed)
        wanted = self.prompts[prompt]
        if self.wrong:
            wanted = wrong_prompts(wanted, frozenset(facts(scene_for(wanted, rng))), rng)[0]
        return GeneratedImage(image=render(scene_for(wanted, rng)), text="", layout=(), **COMMON)

    def edit(self, image: Image.Image, instruction: str, *, seed: int = 0) -> EditedImage:  # noqa: ARG002
        target = self.edits[image.tobytes(), instruction].target
        return EditedImage(image=image if self.wrong else render(target), text="", layout=(), **COMMON)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.load()


@pytest.fixture(scope="module")
def report(judge: Judge) -> dict[str, Any]:
    return evaluate(Oracle(), COUNT, SEED, judge=judge, judge_pages=10)


def test_judge_is_a_judge(judge: Judge) -> None:
    metrics = measure(judge, 40, seed=901)
    assert metrics["accuracy"].n == 480
    assert metrics["accuracy"].value >= 0.98
    assert metrics["false_acceptance"].n > 1000
    assert metrics["false_acceptance"].value <= 0.02
    assert metrics["spoilt_acceptance"].value <= 0.06


def test_judge_file_is_small_and_carries_its_thresholds(judge: Judge) -> None:
    assert WEIGHTS.stat().st_size <= 1_500_000
    assert 0 < judge.min_score < 1
    assert 0 < judge.min_color < 1
    assert sum(parameter.numel() for parameter in judge.network.parameters()) < 300_000


def test_judge_sees_nothing_on_empty_pages_and_in_noise(judge: Judge) -> None:
    for background in BACKGROUNDS:
        observation = judge.look(render(Scene(background, ())))
        assert observation == Observation(background, ())
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert judge.look(Image.fromarray(noise)).things == ()


def test_judge_boxes_lie_on_the_things_and_survive_another_size(judge: Judge) -> None:
    thing = Thing("house", "purple", "large", (0.3, 0.3, 0.7, 0.7))
    scene = Scene("beach", (thing,))
    for size in (96, 128, 384):
        (found,) = judge.look(render(scene, size)).things
        assert found.pair == ("purple", "house")
        assert iou(found.box, thing.box) > 0.8


def test_judge_refuses_a_thing_that_dissolves(judge: Judge) -> None:
    scene = Scene("meadow", (Thing("cat", "red", "medium", (0.3, 0.3, 0.6, 0.66)),))
    assert judge.look(render(scene)).facts == {("red", "cat"): 1}
    assert judge.look(render(scene).filter(ImageFilter.GaussianBlur(9))).facts == {}


def test_spoilt_pages_differ_from_whole_ones() -> None:
    rng = np.random.default_rng(2)
    thing = Thing("boat", "green", "large", (0.25, 0.25, 0.75, 0.75))
    whole = np.asarray(render(Scene("snow", (thing,))), float)
    for _ in range(8):
        assert np.abs(np.asarray(spoiled("snow", thing, rng), float) - whole).mean() > 2


def test_truth_scores_one_everywhere(report: dict[str, Any]) -> None:
    for split in SPLITS:
        for task in ("generate", "describe", "detect"):
            for name, metric in report[split][task].items():
                assert metric["value"] == 1.0, (split, task, name)
                assert metric["high"] == 1.0
        assert report[split]["edit"]["done"]["value"] == 1.0
        assert report[split]["edit"]["psnr"]["value"] == report[split]["edit"]["psnr_kept"]["value"] == MOST_PSNR_DB


def test_wrong_answers_score_nothing(judge: Judge) -> None:
    report = evaluate(Oracle(wrong=True), COUNT, SEED, judge=judge, judge_pages=1)
    for split in SPLITS:
        assert report[split]["generate"]["mean"]["value"] == 0
        assert report[split]["describe"]["f1"]["value"] == 0
        assert report[split]["describe"]["qa_mean"]["value"] == 0
        assert report[split]["detect"]["acc50"]["value"] == 0
        assert report[split]["edit"]["done"]["value"] == 0
        assert report[split]["edit"]["psnr"]["value"] == MOST_PSNR_DB  # an image left alone is not an edit


def test_report_has_exactly_the_promised_shape(report: dict[str, Any]) -> None:
    assert {"seen", "held_out", "judge"} <= report.keys()
    assert {"accuracy", "false_acceptance"} <= report["judge"].keys()
    for split in SPLITS:
        assert list(report[split]) == ["generate", "describe", "detect", "edit"]
        assert list(report[split]["generate"]) == [*CATEGORIES, "mean"]
        assert {"f1", "precision", "recall", "qa_mean"} <= report[split]["describe"].keys()
        assert {f"qa_{name}" for name in QUESTION_TYPES} <= report[split]["describe"].keys()
        assert {"acc50", "mean_iou"} <= report[split]["detect"].keys()
        assert {"done", "psnr", "psnr_kept"} <= report[split]["edit"].keys()
        for task, name in (("describe", "exact"), ("detect", "acc50"), ("edit", "done")):
            assert sum(f["n"] for key, f in report[split][task].items() if key.startswith(f"{name}_in_")) == COUNT
        for metric in (f for task in report[split].values() for f in task.values()):
            assert list(metric) == ["value", "low", "high", "n"]
            assert metric["low"] <= metric["value"] <= metric["high"]
        assert report[split]["generate"]["counting"]["n"] == COUNT
        assert report[split]["generate"]["mean"]["n"] == 6 * COUNT
    assert json.loads(json.dumps(report)) == report
    rows = sum(len(report["seen"][task] | report["held_out"][task]) for task in report["seen"]) + len(report["judge"])
    assert report_table(report | {"model": "oracle", "revision": "1"}).row_count == rows


def test_progress_reaches_its_total_and_every_picture_is_shown(judge: Judge, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    sheet = ContactSheet()
    evaluate(
        Oracle(),
        1,
        SEED,
        judge=judge,
        judge_pages=1,
        on_image=sheet.add,
        on_progress=lambda a, b, _: steps.append((a, b)),
    )
    assert steps[-1] == (30, 30)
    assert [done for done, _ in steps] == list(range(31))
    sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as saved:
        assert saved.height > 12 * 128


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="n must be 1 or more"):
        evaluate(Oracle(), 0, 1)


def test_prompts_are_fixed_by_the_seed_and_a_larger_count_only_adds() -> None:
    for split in SPLITS:
        for category in CATEGORIES:
            assert sample_prompts(category, split, 5, 1) == sample_prompts(category, split, 9, 1)[:5]
    assert sample_prompts("colors", "seen", 9, 1) != sample_prompts("colors", "seen", 9, 2)


def test_seen_prompts_never_name_a_held_out_pair_and_held_out_ones_always_do() -> None:
    for category in CATEGORIES:
        for split in SPLITS:
            for prompt in sample_prompts(category, split, 200, 7):
                assert any(held_out(kind, color) for color, kind in prompt.pairs) == (split == "held_out")
                if split == "seen" and category not in ("colors", "color_attribution"):
                    assert prompt.pairs == ()


def test_prompts_have_the_shape_of_their_category() -> None:
    for split in SPLITS:
        for category in CATEGORIES:
            prompts = sample_prompts(category, split, 60, 0)
            pairs = category in ("two_objects", "position", "color_attribution")
            assert {len(prompt.requested) for prompt in prompts} == {2 if pairs else 1}
            assert all(len({want.kind for want in prompt.requested}) == len(prompt.requested) for prompt in prompts)
            assert {prompt.relation is not None for prompt in prompts} == {category == "position"}
            assert {prompt.requested[0].count for prompt in prompts} == ({2, 3, 4} if category == "counting" else {1})
            if category == "color_attribution":
                assert all(prompt.requested[0].color != prompt.requested[1].color for prompt in prompts)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (Prompt("single_object", (RequestedThing("umbrella"),)), "a picture of an umbrella"),
        (Prompt("counting", (RequestedThing("fish", "red", 3),)), "a picture of three red fish"),
        (
            Prompt("position", (RequestedThing("cat"), RequestedThing("house")), "left of"),
            "a picture of a cat to the left of a house",
        ),
        (
            Prompt("color_attribution", (RequestedThing("cat", "orange"), RequestedThing("house", "red"))),
            "a picture of an orange cat and a red house",
        ),
    ],
)
def test_prompt_wording(prompt: Prompt, text: str) -> None:
    assert prompt.text == text


def test_pages_of_the_other_tasks_keep_the_splits_apart() -> None:
    def has_held_out(scene: Scene) -> bool:
        return any(held_out(thing.kind, thing.color) for thing in scene.things)

    for split in SPLITS:
        unseen = split == "held_out"
        assert {has_held_out(scene) for scene in pages_to_describe(split, 40, 0)} == {unseen}
        assert {has_held_out(scene) for scene, _ in questions_to_ask(split, 8, 0)} == {unseen}
        assert {has_held_out(Scene("", ref.things)) for ref in references_to_detect(split, 40, 0)} == {unseen}
        edits = edits_to_make(split, 24, 0)
        assert {has_held_out(edit.source) or has_held_out(edit.target) for edit in edits} == {unseen}
        assert set(Counter(edit.kind for edit in edits).values()) == {4}
        assert Counter(qa.type for _, qa in questions_to_ask(split, 8, 0)) == dict.fromkeys(QUESTION_TYPES, 8)
        assert edits_to_make(split, 3, 5) == edits_to_make(split, 6, 5)[:3]


def _found(kind: str, color: str, x: float, y: float, score: float = 0.9) -> DetectedThing:
    return DetectedThing(kind, color, (x - 0.1, y - 0.1, x + 0.1, y + 0.1), score)


def test_verdicts_follow_the_rules() -> None:
    red, blue = _found("cat", "red", 0.2, 0.5), _found("cat", "blue", 0.6, 0.5)
    house = _found("house", "red", 0.8, 0.5)
    one = Observation("room", (red,))
    many = Observation("room", (red, blue, house))
    assert is_fulfilled(Prompt("single_object", (RequestedThing("cat"),)), many)
    assert not is_fulfilled(Prompt("two_objects", (RequestedThing("cat"), RequestedThing("house"))), one)
    assert is_fulfilled(Prompt("two_objects", (RequestedThing("cat"), RequestedThing("house"))), many)
    assert is_fulfilled(Prompt("colors", (RequestedThing("cat", "blue"),)), many)
    assert not is_fulfilled(Prompt("colors", (RequestedThing("house", "blue"),)), many)
    assert is_fulfilled(Prompt("counting", (RequestedThing("cat", None, 2),)), many)
    assert not is_fulfilled(Prompt("counting", (RequestedThing("cat", None, 3),)), many)
    assert not is_fulfilled(Prompt("counting", (RequestedThing("cat", "red", 2),)), many)
    assert not is_fulfilled(Prompt("counting", (RequestedThing("cat", "red", 1),)), many)
    assert is_fulfilled(Prompt("position", (RequestedThing("cat"), RequestedThing("house")), "left of"), many)
    assert not is_fulfilled(Prompt("position", (RequestedThing("cat"), RequestedThing("house")), "right of"), many)
    assert not is_fulfilled(Prompt("position", (RequestedThing("cat"), RequestedThing("house")), "above"), many)
    assert not is_fulfilled(
        Prompt("colors", (RequestedThing("cat", "red"),)), Observation("room", (_found("cat", UNCLEAR, 0.5, 0.5),))
    )


def test_position_needs_a_margin_and_the_ruling_direction() -> None:
    middle = _found("cat", "red", 0.5, 0.5)
    assert lies(_found("hat", "red", 0.5, 0.39), "above", middle)
    assert not lies(_found("hat", "red", 0.5, 0.41), "above", middle)
    assert not lies(_found("hat", "red", 0.3, 0.35), "above", middle)
    assert lies(_found("hat", "red", 0.3, 0.35), "left of", middle)


def test_edits_are_judged_by_things_places_and_background() -> None:
    cat = Thing("cat", "red", "medium", (0.1, 0.4, 0.3, 0.6))
    twin = replace(cat, box=(0.7, 0.4, 0.9, 0.6))
    target = Scene("room", (replace(cat, color="blue"), twin))
    edit = EditPair(Scene("room", (cat, twin)), target, "make the cat on the left blue", "recolor", (cat.box,))
    blue, red = _found("cat", "blue", 0.25, 0.5), _found("cat", "red", 0.8, 0.5)
    assert is_done(edit, Observation("room", (red, blue)))
    assert not is_done(edit, Observation("snow", (red, blue)))
    assert not is_done(edit, Observation("room", (blue,)))
    assert not is_done(edit, Observation("room", (_found("cat", "red", 0.2, 0.5), _found("cat", "blue", 0.8, 0.5))))
    assert not is_done(edit, Observation("room", (red, _found("cat", "blue", 0.4, 0.5))))


def test_psnr_counts_only_the_pixels_outside_the_region() -> None:
    source = Image.new("RGB", (100, 100), (100, 100, 100))
    changed = source.copy()
    changed.paste((250, 0, 0), (20, 20, 40, 40))
    assert psnr_outside(source, changed, ((0.2, 0.2, 0.4, 0.4),)) == MOST_PSNR_DB
    shifted = Image.new("RGB", (100, 100), (110, 110, 110))
    assert psnr_outside(source, shifted, ()) == pytest.approx(10 * np.log10(255**2 / 100))


@pytest.mark.parametrize(
    ("kind", "truth", "answer", "right"),
    [
        ("yes_no", "yes", "Yes, there is.", True),
        ("yes_no", "yes", "no", False),
        ("color", "red", "The house is red.", True),
        ("color", "red", "red or blue", False),
        ("count", "two", "There are 2 cats.", True),
        ("count", "none", "no cats", True),
        ("count", "two", "many", False),
        ("where", "at the top left", "In the top left corner", True),
        ("where", "on the left", "at the top left", False),
        ("relation", "the red house", "a red house", True),
        ("relation", "the red house", "the house", False),
        ("background", "a snowy field", "snow", True),
        ("background", "a snowy field", "a beach", False),
    ],
)
def test_answers_are_read_whatever_the_words_around_them(kind: Any, truth: str, answer: str, right: bool) -> None:
    assert is_right(QA("?", truth, kind), answer) is right


def test_boxes_are_matched_one_to_one() -> None:
    a, b = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)
    assert matched_overlaps([b, a], [a, b]) == [1.0, 1.0]
    assert matched_overlaps([a], [a, b]) == [1.0, 0.0]
    assert matched_overlaps([a, a], [a]) == [1.0, 0.0]
    assert matched_overlaps([], [a]) == [0.0]
    assert iou(a, (0.25, 0.0, 0.75, 0.5)) == pytest.approx(1 / 3)


def test_wilson_intervals_are_the_published_ones() -> None:
    # 81 of 263: (0.2553, 0.3662), Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I
    metric = proportion([True] * 81 + [False] * 182)
    assert (round(metric.low, 4), round(metric.high, 4)) == (0.2553, 0.3662)
    # 0 of 20: (0.0000, 0.1611), same table
    metric = proportion([False] * 20)
    assert (round(metric.low, 4), round(metric.high, 4)) == (0.0, 0.1611)


def test_bootstrap_intervals_repeat_and_cover() -> None:
    values = list(np.random.default_rng(0).normal(5, 1, 400))
    metric = mean(values)
    assert metric == mean(values)
    half_width = 1.96 * float(np.std(values)) / 20
    assert metric.high - metric.value == pytest.approx(half_width, rel=0.15)  # 2000 resamples: a few percent
    assert ratio([1, 1], [2, 0]).value == 1.0
    assert ratio([0, 0], [0, 0]).value == 0.0


def test_the_mean_of_figures_is_surer_than_each() -> None:
    metric = average([proportion([True] * 8 + [False] * 2)] * 4)
    single = proportion([True] * 8 + [False] * 2)
    assert metric.value == pytest.approx(0.8)
    assert metric.n == 40
    assert metric.value - metric.low == pytest.approx((single.value - single.low) / 2)


def test_a_model_that_ends_without_a_picture_misses_but_missing_weights_are_an_error() -> None:
    def refuse() -> GeneratedImage:
        raise ModelError("the model finished without a picture")

    def lose() -> GeneratedImage:
        raise WeightsMissingError("no weights")

    assert drawn(refuse) is None
    with pytest.raises(WeightsMissingError):
        drawn(lose)


def test_judge_training_resumes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_judge, "BATCH_SIZE", 2)
    monkeypatch.setattr(train_judge, "_SAVE_EVERY", 1)
    straight = train(tmp_path / "straight.pt", steps=3, seed=1)
    batches = iter([make_batch, make_batch])
    with pytest.raises(StopIteration), monkeypatch.context() as cut:
        cut.setattr(train_judge, "make_batch", lambda rng, size: next(batches)(rng, size))
        train(tmp_path / "cut.pt", steps=3, seed=1)
    resumed = train(tmp_path / "cut.pt", steps=3, seed=1)
    for name, value in straight.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)
    save(straight, tmp_path / "judge.safetensors", {"min_score": "0.3", "min_color": "0.5"})
    assert Judge.load(tmp_path / "judge.safetensors").min_score == 0.3


def test_judge_losses_fall_on_one_batch() -> None:
    torch.manual_seed(0)
    network = JudgeNet(width=32)
    batch = make_batch(np.random.default_rng(0), 4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    totals = []
    for _ in range(12):
        total = torch.stack(list(judge_losses(network(batch.pages), batch).values())).sum()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.6 * totals[0]


def test_command_writes_the_report_and_prints_the_table(tmp_path: Path) -> None:
    def client(_model: Path | None) -> SeedX:
        return SeedX(engine=ScriptedEngine())

    target = tmp_path / "report.json"
    arguments = ["book", "--n", "1", "--seed", "2", "--json", str(target), "--sheet", str(tmp_path / "sheet.png")]
    result = CliRunner().invoke(eval_app, arguments, obj=client, catch_exceptions=False)
    assert result.exit_code == 0
    report = json.loads(target.read_text())
    assert report["model"] == "scripted"
    assert report["seen"]["generate"]["mean"]["value"] == 0
    assert (tmp_path / "sheet.png").is_file()
    assert "generate counting" in result.output


def test_command_refuses_an_unwritable_file_before_any_work(tmp_path: Path) -> None:
    def client(_model: Path | None) -> SeedX:
        raise AssertionError("the model was loaded")

    result = CliRunner().invoke(eval_app, ["book", "--json", str(tmp_path / "no" / "report.json")], obj=client)
    assert "does not exist" in str(result.exception)


def test_kept_objects_are_those_that_stay_and_do_not_touch_the_edit() -> None:
    far = Thing("cat", "red", "small", (0.7, 0.7, 0.9, 0.9))
    near = Thing("dog", "blue", "small", (0.3, 0.3, 0.5, 0.5))
    meant = Thing("hat", "pink", "small", (0.1, 0.1, 0.35, 0.35))
    source, target = Scene("room", (far, near, meant)), Scene("room", (far, near))
    edit = EditPair(source, target, "remove the hat", "remove", (meant.box,))
    assert kept_boxes(edit) == [far.box]
    faded = Image.blend(render(source), Image.new("RGB", (128, 128), "white"), 0.5)
    assert psnr_inside(render(source), render(target), far.box) == MOST_PSNR_DB
    assert psnr_inside(render(source), faded, far.box) < 15
