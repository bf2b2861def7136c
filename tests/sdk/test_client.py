from __future__ import annotations

import math
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import (
    Box,
    BoxFound,
    GenerationCancelled,
    ImageDone,
    ImageError,
    ImageProgress,
    InputError,
    Message,
    ModelError,
    Notice,
    PromptError,
    ReplyDone,
    SeedX,
    ServiceError,
    SizeError,
    StreamEvent,
    TextDelta,
    WeightsMissingError,
)
from seedx_sdk.engine import Request
from seedx_sdk.options import check_options
from seedx_sdk.testing import ScriptedEngine


def test_describe_sends_the_pictures_then_the_question(
    seedx: SeedX, engine: ScriptedEngine, picture: Image.Image
) -> None:
    result = seedx.describe([picture, picture], " what is it? ", seed=7, max_new_tokens=20)
    (request,) = engine.requests
    assert request.task == "describe"
    assert request.messages[-1].text == "what is it?"
    assert [image.size for image in request.messages[-1].images] == [(64, 48), (64, 48)]
    assert (request.options.seed, request.options.max_new_tokens, request.options.force_image) == (7, 20, False)
    assert (result.text, result.seed, result.model, result.revision) == (
        "a scripted answer about 2 picture(s)",
        7,
        "scripted",
        "0",
    )
    assert result.timings["total"] >= 0


def test_describe_continues_a_history_without_a_new_picture(
    seedx: SeedX, engine: ScriptedEngine, picture: Image.Image
) -> None:
    history = [Message.user(picture, "what is it?"), Message.assistant("a rectangle")]
    seedx.describe((), "what color?", history=history)
    assert [message.role for message in engine.requests[0].messages] == ["user", "assistant", "user"]


def test_detect_gives_boxes_and_the_annotated_picture(seedx: SeedX, picture: Image.Image) -> None:
    result = seedx.detect(picture, "the red rectangle")
    assert result.boxes == (
        Box(label="the red rectangle", normalized=(0.25, 0.25, 0.75, 0.75), pixels=(16, 12, 48, 36)),
    )
    assert result.annotated.size == picture.size
    assert result.annotated.tobytes() != picture.tobytes()


def test_generate_passes_every_option_and_reports_progress(seedx: SeedX, engine: ScriptedEngine) -> None:
    seen: list[ImageProgress] = []
    result = seedx.generate(
        "a house", width=96, height=64, num_inference_steps=9, guidance_scale=2, seed=5, on_progress=seen.append
    )
    assert result.image is not None and result.image.size == (96, 64)
    assert [(event.step, event.total) for event in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert engine.requests[0].options.model_dump(exclude_none=True) == {
        "seed": 5,
        "width": 96,
        "height": 64,
        "num_inference_steps": 9,
        "guidance_scale": 2.0,
        "force": False,
        "force_image": True,
        "stop": (),
    }


def test_the_fast_sampler_needs_a_mode_that_was_measured(engine: ScriptedEngine, picture: Image.Image) -> None:
    seedx = SeedX(engine=engine)
    for ask in (
        lambda: seedx.generate("a house", sampler="fast"),
        lambda: seedx.edit(picture, "make it blue", sampler="fast"),
        lambda: seedx.chat([Message.user("draw")], sampler="fast"),
    ):
        with pytest.raises(InputError, match=r"scripted \(0\) has no fast mode"):
            ask()
    assert not engine.requests
    engine.info = engine.info.model_copy(update={"fast_steps": 6})
    with pytest.raises(InputError, match="measured with 6 steps, not 7"):
        seedx.generate("a house", sampler="fast", num_inference_steps=7)
    seedx.generate("a house", sampler="fast", num_inference_steps=6)
    seedx.generate("a house", sampler="fast", preview_every=2)
    assert [request.options.sampler for request in engine.requests] == ["fast", "fast"]
    assert engine.requests[1].options.preview_every == 2
    for wrong in ({"sampler": "quick"}, {"preview_every": -1}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            seedx.generate("a house", **wrong)


def test_a_schema_needs_a_model_that_can_be_guided(engine: ScriptedEngine, picture: Image.Image) -> None:
    seedx, schema = SeedX(engine=engine), {"type": "object"}
    for ask in (
        lambda: seedx.describe(picture, json_schema=schema),
        lambda: seedx.chat([Message.user("hello")], json_schema=schema),
    ):
        with pytest.raises(InputError, match="scripted cannot fit its text to a JSON schema"):
            ask()
    engine.info = engine.info.model_copy(update={"supports_structured_output": True})
    seedx.describe(picture, json_schema=schema)
    seedx.chat([Message.user("hello")], json_schema=schema)
    assert [request.options.json_schema for request in engine.requests] == [schema, schema]
    for wrong, words in (
        ("{}", "not a dict"),
        ({"a": object()}, "as JSON"),
        ({"minimum": float("nan")}, "as JSON"),
        ({"enum": ["x" * 20_001]}, "at most 20000"),
    ):
        with pytest.raises(InputError, match=words):
            seedx.describe(picture, json_schema=wrong)  # type: ignore[arg-type]


def test_a_dtype_is_for_a_model_in_process(engine: ScriptedEngine) -> None:
    with pytest.raises(
        InputError, match=r"dtype 'float64' is not allowed; use one of \['float32', 'bfloat16', 'float16'\]"
    ):
        SeedX(dtype="float64")  # type: ignore[arg-type]
    for other in ({"engine": engine}, {"base_url": "http://localhost:1"}):
        with pytest.raises(InputError, match="leave them out"):
            SeedX(dtype="bfloat16", **other)


def test_the_same_seed_gives_the_same_result(picture: Image.Image) -> None:
    def once(seed: int) -> bytes:
        image = SeedX(engine=ScriptedEngine()).edit(picture, "make it blue", seed=seed).image
        return image.tobytes()

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_generate_may_answer_in_words_only_without_force_image() -> None:
    words = [Message.assistant("I would rather not")]
    result = SeedX(engine=ScriptedEngine(words)).generate("a house", force_image=False)
    assert (result.image, result.text) == (None, "I would rather not")
    with pytest.raises(ModelError, match="without an image; try another seed"):
        SeedX(engine=ScriptedEngine(words)).generate("a house")
    with pytest.raises(ModelError, match="without an image; try another seed"):
        SeedX(engine=ScriptedEngine(words)).edit(Image.new("RGB", (8, 8)), "make it blue")


def test_layout_holds_the_boxes_of_the_drawn_picture(picture: Image.Image) -> None:
    box = Box.on("house", (0, 0, 0.5, 0.5), (64, 48))
    engine = ScriptedEngine([Message.assistant("house", picture)], boxes=(box,))
    assert SeedX(engine=engine).generate("a house").layout == (box,)


def test_a_size_that_is_not_the_models_own_is_a_warning(seedx: SeedX) -> None:
    assert seedx.generate("a house", width=128, height=128).warnings == ()
    (warning,) = seedx.generate("a house", width=256, height=128).warnings
    assert warning.startswith("256x128 is not scripted's own size 128x128")


def test_warnings_of_the_engine_and_of_the_picture_reach_the_result(tmp_path: Path, picture: Image.Image) -> None:
    path = tmp_path / "a.gif"
    picture.save(path, save_all=True, append_images=[Image.new("RGB", (64, 48))])
    result = SeedX(engine=ScriptedEngine(notices=("only drawn scenes",))).describe(path)
    assert result.warnings == (f"'{path}' has several frames; only the first is used", "only drawn scenes")


def test_chat_stream_yields_events_in_order_and_ends_with_the_reply(picture: Image.Image) -> None:
    box = Box.on("house", (0, 0, 0.5, 0.5), (64, 48))
    reply = Message.assistant("look:", picture, "done")
    events = list(
        SeedX(engine=ScriptedEngine([reply], boxes=(box,), notices=("careful",))).chat_stream([Message.user("draw")])
    )
    kinds = [type(event) for event in events]
    assert kinds == [Notice, BoxFound, TextDelta, *[ImageProgress] * 4, ImageDone, TextDelta, ReplyDone]
    last = events[-1]
    assert isinstance(last, ReplyDone)
    assert last.reply.message == reply
    assert last.reply.warnings == ("careful",)


def test_chat_returns_the_whole_reply(seedx: SeedX, engine: ScriptedEngine) -> None:
    first = seedx.chat([Message.user("hello")], temperature=0.5)
    second = seedx.chat([Message.user("hello"), first.message, Message.user("and?")])
    assert second.message.role == "assistant"
    assert engine.requests[0].options.temperature == 0.5
    assert len(engine.requests[1].messages) == 3


BAD_CALLS: list[tuple[Callable[[SeedX], object], type[InputError], str]] = [
    (lambda s: s.generate(""), PromptError, "prompt is empty; write at least one word"),
    (lambda s: s.generate(" \n\t"), PromptError, "prompt is empty"),
    (lambda s: s.generate(b"a house"), PromptError, r"prompt is bytes, not text; decode it first"),  # type: ignore[arg-type]
    (lambda s: s.generate(None), PromptError, "prompt is NoneType, not text"),  # type: ignore[arg-type]
    (lambda s: s.generate("a\udcff"), PromptError, "not UTF-8 at character 1"),
    (lambda s: s.generate("a" * 2001), PromptError, "2001 characters; scripted reads at most 2000: shorten it"),
    (lambda s: s.generate("a <img> of a house"), PromptError, "contains '<img>', which only the model may write"),
    (lambda s: s.generate("a <img_00063>"), PromptError, "contains '<img_00063>'"),
    (lambda s: s.generate("a </s>"), PromptError, "contains '</s>'"),
    (lambda s: s.generate("a", width=1000, height=700), SizeError, "1000x700 is not a multiple of 8; use 1000x704"),
    (lambda s: s.generate("a", width=0, height=8), SizeError, "0x8 is not positive"),
    (
        lambda s: s.generate("a", width=8, height=8),
        SizeError,
        r"out of bounds for scripted; each side must be in 64\.\.512",
    ),
    (lambda s: s.generate("a", width=4096, height=128), SizeError, r"must be in 64\.\.512"),
    (lambda s: s.generate("a", width=128, height="128"), SizeError, "are not two whole numbers"),  # type: ignore[arg-type]
    (lambda s: s.generate("a", width=128.0, height=128), SizeError, "are not two whole numbers"),  # type: ignore[arg-type]
    (
        lambda s: s.generate("a", num_inference_steps=0),
        InputError,
        r"num_inference_steps 0 is not allowed; use a whole number in 1\.\.1000",
    ),
    (lambda s: s.generate("a", num_inference_steps=1001), InputError, "num_inference_steps 1001"),
    (lambda s: s.generate("a", num_inference_steps=2.5), InputError, "num_inference_steps 2.5"),  # type: ignore[arg-type]
    (lambda s: s.generate("a", guidance_scale=-1), InputError, "guidance_scale -1 is not allowed; use a finite number"),
    (lambda s: s.generate("a", guidance_scale=math.nan), InputError, "guidance_scale nan"),
    (lambda s: s.generate("a", guidance_scale=math.inf), InputError, "guidance_scale inf"),
    (lambda s: s.generate("a", guidance_scale=10**400), InputError, "guidance_scale"),
    (lambda s: s.generate("a", seed=-1), InputError, r"seed -1 is not allowed; use a whole number in 0\.\.2\*\*63-1"),
    (lambda s: s.generate("a", seed=2**63), InputError, "seed"),
    (lambda s: s.generate("a", seed=True), InputError, "seed True"),
    (lambda s: s.generate("a", images="missing.png"), ImageError, "no image at 'missing.png'"),
    (lambda s: s.detect(_picture(), ""), PromptError, "phrase is empty"),
    (lambda s: s.edit(_picture(), ""), PromptError, "instruction is empty"),
    (lambda s: s.edit(_picture(), "a", image_guidance_scale=-0.1), InputError, "image_guidance_scale -0.1"),
    (lambda s: s.describe([]), InputError, "describe got no image"),
    (lambda s: s.describe((), history=[Message.user(_picture())]), PromptError, "neither an image nor a question"),
    (lambda s: s.describe(_picture(), ""), PromptError, "question is empty"),
    (lambda s: s.describe(_picture(), max_new_tokens=0), InputError, "max_new_tokens 0"),
    (lambda s: s.describe(3), ImageError, "cannot be a int"),  # type: ignore[arg-type]
    (lambda s: s.chat([]), PromptError, "does not end with a user message"),
    (lambda s: s.chat([Message.assistant("hi")]), PromptError, "does not end with a user message"),
    (lambda s: s.chat("hello"), PromptError, r"messages is str; pass a list"),  # type: ignore[arg-type]
    (lambda s: s.chat([{"role": "user"}]), PromptError, r"messages\[0\] is dict"),  # type: ignore[list-item]
    (lambda s: s.chat([Message.user()]), PromptError, r"messages\[0\] is empty"),
    (lambda s: s.chat([Message.user("hi")], temperature=-1), InputError, "temperature -1"),
    (lambda s: s.chat([Message.user("hi")], temperature=2.5), InputError, "temperature 2.5 .* in 0..2"),
    (lambda s: s.chat_stream([Message.user(Image.new("RGB", (900, 3)))]), ImageError, "crop it"),
]


def _picture() -> Image.Image:
    return Image.new("RGB", (8, 8))


@pytest.mark.parametrize(("call", "kind", "message"), BAD_CALLS)
def test_bad_arguments_are_refused_before_the_engine_runs(
    call: Callable[[SeedX], object], kind: type[InputError], message: str, seedx: SeedX, engine: ScriptedEngine
) -> None:
    with pytest.raises(kind, match=message) as caught:
        call(seedx)
    assert isinstance(caught.value, ValueError)
    assert engine.requests == []


@pytest.mark.parametrize(("size", "hint"), [((4, 8), "8x8"), ((1, 1), "8x8"), ((12, 100), "16x104")])
def test_the_hint_for_a_size_is_itself_allowed(size: tuple[int, int], hint: str) -> None:
    with pytest.raises(SizeError, match=f"use {hint}$"):
        check_options({"width": size[0], "height": size[1]})


def test_constructing_loads_nothing_and_a_missing_model_is_a_typed_error(tmp_path: Path) -> None:
    seedx = SeedX(tmp_path / "nowhere")
    with pytest.raises(WeightsMissingError, match="no model at .*nowhere'; it must be a directory with config.json"):
        seedx.generate("a house")


def test_conflicting_constructor_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="pass one of them"):
        SeedX("somewhere", base_url="http://localhost:8000")
    with pytest.raises(InputError, match="pass one of them"):
        SeedX("somewhere", engine=ScriptedEngine())
    with pytest.raises(InputError, match="pass its base_url too"):
        SeedX(api_key="secret")


def test_cancelling_stops_the_model_and_frees_it(seedx: SeedX) -> None:
    stop = threading.Event()
    steps: list[int] = []

    def on_progress(event: ImageProgress) -> None:
        steps.append(event.step)
        if event.step == 2:
            stop.set()

    with pytest.raises(GenerationCancelled, match="generate was cancelled"):
        seedx.with_cancel(stop.is_set).generate("a house", on_progress=on_progress)
    assert steps == [1, 2]
    assert seedx.generate("a house").image is not None


def test_an_error_of_the_engine_frees_it() -> None:
    seedx = SeedX(engine=ScriptedEngine([ModelError("broken")]))
    with pytest.raises(ModelError, match="broken"):
        seedx.generate("a house")
    assert seedx.generate("a house").image is not None


def test_a_stream_that_is_not_read_to_its_end_does_not_hold_up_other_calls(seedx: SeedX) -> None:
    stream = seedx.chat_stream([Message.user("hello")])
    next(stream)
    assert seedx.generate("a house").image is not None
    assert list(stream)[-1].type == "reply_done"


def test_calls_from_several_threads_take_turns() -> None:
    busy = threading.Lock()
    clashes: list[int] = []

    class _Watched(ScriptedEngine):
        def stream(self, request, cancel=None):  # type: ignore[no-untyped-def]
            if not busy.acquire(blocking=False):
                clashes.append(1)
            try:
                yield from super().stream(request, cancel)
            finally:
                busy.release()

    seedx = SeedX(engine=_Watched())
    threads = [threading.Thread(target=lambda: [seedx.generate("a house") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []


class _Async:
    """The scripted engine as an async one."""

    info = ScriptedEngine().info

    async def stream(
        self,
        request: Request,
        *,
        deadline: float | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamEvent, None]:
        for event in ScriptedEngine().stream(request):
            yield event

    async def check(self) -> None:
        """Return: it works."""


def test_a_closed_client_loads_again_at_its_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[_Async] = []

    @asynccontextmanager
    async def open_engine(_model: object, **_options: object) -> AsyncIterator[_Async]:
        opened.append(_Async())
        yield opened[-1]

    monkeypatch.setattr("seedx_sdk.settings.open_engine", open_engine)
    seedx = SeedX()
    for number in (1, 2):
        assert seedx.generate("a house").image is not None
        assert len(opened) == number
        seedx.close()


def test_an_engine_may_be_async() -> None:
    with SeedX(engine=_Async()) as seedx:
        assert seedx.generate("a house").image is not None


def test_an_engine_that_can_be_opened_once_stays_closed() -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[_Async]:
        yield _Async()

    with SeedX(engine=opened()) as seedx:
        assert seedx.generate("a house").image is not None
    with pytest.raises(ServiceError, match="the engine was closed"):
        seedx.generate("a house")
    seedx.close()
