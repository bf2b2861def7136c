"""One reply: a backbone writes tokens, and an image service encodes and generates the images.

The same loop serves every way of running; what the backbone and the image service are is decided outside.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import tracing
from seedx_sdk.engine.answer_schema import AnswerSchema
from seedx_sdk.engine.backbones.base import (
    Backbone,
    Prompt,
    QueryStates,
    SamplingParams,
    StructuredOutput,
    boxes,
)
from seedx_sdk.engine.backbones.tracing import traced
from seedx_sdk.engine.domain_check import out_of_domain_text
from seedx_sdk.engine.edit_blending import EditPlan, blend_edit
from seedx_sdk.engine.fair_line import SHARE
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.protocol import ImageService
from seedx_sdk.engine.metrics import EngineMetrics
from seedx_sdk.engine.prompting import normalized, prompt_ids
from seedx_sdk.engine.reply_builder import ReplyBuilder
from seedx_sdk.engine.story import StoryPages
from seedx_sdk.engine.token_count import num_cells
from seedx_sdk.errors import InputError
from seedx_sdk.forks import inside_torch
from seedx_sdk.model.config import PromptStyle
from seedx_sdk.model.grids import EDIT_GRIDS
from seedx_sdk.tokens import image_block
from seedx_sdk.types import ModelInfo, Notice, Request, StreamEvent
from seedx_sdk.validation import check_task

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["InterleavedEngine"]


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply in progress."""

    request: Request
    specialist: str | None
    """Whose adapter answers."""
    builder: ReplyBuilder
    deadline: float | None
    span: Span | None


class InterleavedEngine:
    """The engine over a backbone and an image service; answers as many requests at once as they do.

    Args:
        backbone: Writes tokens.
        service: Encodes and generates images; its config says what the model is.
    """

    def __init__(self, backbone: Backbone, service: ImageService) -> None:
        self.backbone, self.service = backbone, service
        self.metrics = EngineMetrics(service=service.metrics)
        self._config = config = service.config
        specialists = config.specialists(service.specialists)
        self._info = ModelInfo(
            name=config.name,
            revision=config.revision,
            image_size=config.image_size,
            sizes=config.sizes,
            is_picture_book=config.in_domain_psnr is not None,
            tasks=config.tasks(takes_condition_image=service.takes_condition_image, specialists=specialists),
            specialists=specialists,
            supports_structured_output=backbone.supports_structured_output,
            default_steps=config.generation.num_inference_steps,
            fast_steps=None if config.fast is None else config.fast.num_inference_steps,
        )

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; see the engine protocol."""
        started = time.perf_counter()
        with inside_torch(), tracing.span("reply", task=request.task, model=self._info.name) as reply_span:
            read_as = request if self._config.vocabulary is None else normalized(request)
            notes = [Notice(text=note) for note in await self._notices(read_as)]
            specialist = self._specialist(request)
            schema = None if request.options.json_schema is None else AnswerSchema(request.options.json_schema)
            opens_box = self._opens_box(request, specialist)
            label = request.messages[-1].text if opens_box else None
            builder = ReplyBuilder(self._info, self.service.tokenizer, request, open_label=label)
            reply = _Reply(request, specialist, builder, deadline, reply_span)
            events = self._tell(read_as, reply) if request.task == "story" else self._answer(read_as, reply)
            async with aclosing(events):
                async for event in events:
                    while notes:  # not before: a request that cannot be answered is an error from the start
                        yield notes.pop(0)
                    yield event
            for event in (*notes, *builder.release()):
                yield event
        done = builder.done(time.perf_counter() - started, max_images=self._sampling(request, specialist).max_images)
        if schema is not None and done.reply.finish_reason == "stop":
            await asyncio.to_thread(schema.check, done.reply.message.text)
        yield done

    async def _answer(self, read_as: Request, reply: _Reply) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of a reply to one prompt."""
        with reply.builder.timed("encode"), tracing.span("encode", parent=reply.span):
            prompt = await self._encode(read_as, reply.specialist, reply.deadline)
        pieces = self._generated(prompt, self._sampling(reply.request, reply.specialist), reply)
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Tensor):
                    async with aclosing(self._drawn(piece, reply)) as drawn:
                        async for event in drawn:
                            yield event
                    continue
                for token in piece:
                    for found in reply.builder.add_token(token):
                        yield found
                    if reply.builder.stopped:
                        return

    async def _tell(self, read_as: Request, reply: _Reply) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of the pages that continue a story, until one has no image."""
        first, encode = read_as.messages[-1], dict[str, Any](model=reply.specialist, deadline=reply.deadline)
        sampling = self._sampling(reply.request, reply.specialist)
        with reply.builder.timed("encode"), tracing.span("encode", parent=reply.span):
            embeds = await self.service.encode(first.images[0], grids=(), **encode)
        pages = StoryPages(self.service.tokenizer, first.text, embeds)
        for _ in range(sampling.max_images or 1):
            written: list[int] = []
            caption, features = "", None
            pieces = self._generated(pages.prompt(), replace(sampling, max_images=1), reply)
            async with aclosing(pieces):
                async for piece in pieces:
                    if not isinstance(piece, Tensor):
                        written += piece
                        continue
                    caption, features = pages.caption(written), piece
                    for event in reply.builder.add_text(caption):
                        yield event
                    if reply.builder.stopped:
                        return
                    async with aclosing(self._drawn(features, reply)) as drawn:
                        async for event in drawn:
                            yield event
            reply.builder.add_written(written)
            if features is None:
                for event in reply.builder.add_text(pages.caption(written)):
                    yield event
                return
            pages.add(caption, await self.service.embed(features, **encode))

    async def _generated(
        self, prompt: Prompt, sampling: SamplingParams, reply: _Reply
    ) -> AsyncGenerator[Sequence[int] | Tensor, None]:
        """Yield the tokens of an answer as they come, and the (Q, K) features of each image."""
        self.metrics.prompt_tokens += len(prompt.token_ids)
        reply.builder.add_prompt(len(prompt.token_ids))
        async with aclosing(traced(self.backbone.generate(prompt, sampling), reply.span)) as answer:
            async for event in answer:
                if not isinstance(event, QueryStates):
                    self.metrics.completion_tokens += len(event.token_ids)
                    yield event.token_ids
                    continue
                self.metrics.completion_tokens += len(event.hidden_states)
                reply.builder.add_image_tokens(len(event.hidden_states))
                with tracing.span("regress", parent=reply.span):
                    features = await self.service.regress(
                        event.hidden_states, model=reply.specialist, deadline=reply.deadline
                    )
                yield features

    async def _drawn(self, features: Tensor, reply: _Reply) -> AsyncGenerator[StreamEvent, None]:
        """Yield the progress of an image, and the image."""
        for held in reply.builder.release():
            yield held
        job = self._job(features, reply.request, reply.deadline)
        steps = job.num_inference_steps
        with (
            reply.builder.timed("denoise"),
            tracing.span("denoise", parent=reply.span, num_inference_steps=steps),
        ):
            async with aclosing(self.service.generate(job)) as progress:
                async for step in progress:
                    if isinstance(step, Image.Image):
                        image = await self._blended(step, reply.request, reply.builder)
                        yield reply.builder.add_image(image)
                    else:
                        yield step

    def prompt_tokens(self, request: Request) -> int:
        """Return how many tokens the language model would read, image tokens included; nothing is encoded."""
        read_as = request if self._config.vocabulary is None else normalized(request)
        images = [image for message in request.messages for image in message.images]
        grids, side = self._grids(request), self._config.visual_encoder.image_size
        blocks = [image_block(num_cells(image.size, grids, side)) for image in images]
        style = self._style(self._specialist(request))
        return len(prompt_ids(read_as, blocks, style, self.service.tokenizer))

    def _grids(self, request: Request) -> Sequence[str]:
        """Return how the images of a request may be divided."""
        return EDIT_GRIDS if request.changes_image else self._config.read_grids

    async def check(self) -> None:
        """Return if both work; see the engine protocol."""
        await self.service.check()
        await self.backbone.check()

    def _specialist(self, request: Request) -> str | None:
        """Return whose adapter answers: that of the specialist that is named, or else of the task; None if it has none.

        Raises:
            SpecialistMissingError: If there is none of the name, or the task needs one that is missing.
        """
        check_task(request.task, self._info, specialist=request.options.specialist)
        name = request.options.specialist or request.task
        return name if name in self.service.specialists else None

    def _style(self, specialist: str | None) -> PromptStyle:
        """Return the prompts to use: specialists are tuned to instructions, whatever their base was trained on."""
        return self._config.prompts if specialist is None else "instruct"

    def _sampling(self, request: Request, specialist: str | None) -> SamplingParams:
        """Return how to answer, with the model's defaults where the options are None."""
        defaults, options = self._config.generation, request.options
        temperature = options.temperature
        if temperature is None:
            temperature = defaults.temperature if request.task == "generate" else 0.0
        return SamplingParams(
            max_new_tokens=options.max_new_tokens or defaults.max_new_tokens,
            temperature=temperature,
            seed=options.seed,
            force_image=options.force_image,
            max_images=1 if request.makes_image else options.max_images,
            specialist=specialist,
            structured_output=self._structured_output(request, specialist),
            stop_repeats=defaults.stop_repeats and options.json_schema is None,
        )

    def _job(self, features: Tensor, request: Request, deadline: float | None) -> ImageJob:
        """Return the image job of (Q, K) features."""
        condition = request.messages[-1].images[0] if request.changes_image else None
        return ImageJob.resolve(
            features[None], request.options, self._config, condition=condition, deadline=deadline, share=SHARE.get()
        )

    async def _blended(self, image: Image.Image, request: Request, builder: ReplyBuilder) -> Image.Image:
        """Return the image of a reply; an edit keeps what its plan leaves alone, if the checkpoint says so."""
        if request.task != "edit" or not self._config.generation.edit_blending:
            return image
        plan = EditPlan.parse(builder.written)
        return await asyncio.to_thread(blend_edit, request.messages[-1].images[0], image, plan)

    def _structured_output(self, request: Request, specialist: str | None) -> StructuredOutput | None:
        """Return what the answer must conform to."""
        if request.options.json_schema is not None:
            return StructuredOutput(json_schema=json.dumps(request.options.json_schema))
        if request.task != "detect" or not self.backbone.supports_structured_output:
            return None
        return boxes(self.service.tokenizer.token_to_id, opened=self._opens_box(request, specialist))

    def _opens_box(self, request: Request, specialist: str | None) -> bool:
        """Whether the prompt ends inside a box."""
        return request.task == "detect" and self._style(specialist) == "base"

    async def _encode(self, request: Request, specialist: str | None, deadline: float | None) -> Prompt:
        """Return the prompt with the embeddings of its images."""
        images = [image for message in request.messages for image in message.images]
        grids = self._grids(request)
        views = await asyncio.gather(
            *(self.service.encode(i, grids=grids, model=specialist, deadline=deadline) for i in images)
        )
        blocks = [image_block(len(view) - 1) for view in views]
        ids = prompt_ids(request, blocks, self._style(specialist), self.service.tokenizer)
        features = torch.cat([view.flatten(0, 1) for view in views]) if views else None
        return Prompt(token_ids=tuple(ids), features=features)

    async def _notices(self, request: Request) -> list[str]:
        """Return warnings about what a small-world model has not been trained on.

        Raises:
            InputError: If an image to change is out of that world, and the request does not force it.
        """
        if not self._info.is_picture_book:
            return []
        message = request.messages[-1]
        judged = message.images[1:] if request.task == "try_on" else message.images  # a blanked figure is no page
        notes = [await self.service.out_of_domain_warning(image) for image in judged]
        if any(notes) and request.changes_image and not request.options.force:
            raise InputError(
                f"{self._info.name} knows no photographs, only pages of its picture book, and can't edit this image; "
                "load a model that can (`SeedX(model=DIRECTORY)`), or pass force=True to try anyway",
                param="force",
            )
        notes.append(out_of_domain_text(message.text, request.task, self._config))
        return [note for note in notes if note is not None]
