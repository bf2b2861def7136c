"""One reply: a backbone writes tokens, and an image service encodes and generates the images.

The same loop serves every way of running; what the backbone and the image service are is decided outside.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk import tracing
from seedx_sdk.engine.backbones.base import (
    BOXES,
    OPENED_BOXES,
    Backbone,
    Prompt,
    QueryStates,
    SamplingParams,
    StructuredOutput,
)
from seedx_sdk.engine.backbones.tracing import traced
from seedx_sdk.engine.domain_check import out_of_domain_text
from seedx_sdk.engine.edit_blending import EditPlan, blend_edit
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.protocol import ImageService
from seedx_sdk.engine.metrics import EngineMetrics
from seedx_sdk.engine.prompting import normalized, segments
from seedx_sdk.engine.reply_builder import ReplyBuilder
from seedx_sdk.errors import InputError
from seedx_sdk.model.anyres import EDIT_GRIDS
from seedx_sdk.model.config import PromptStyle
from seedx_sdk.tokens import image_block
from seedx_sdk.types import ModelInfo, Notice, Request, StreamEvent
from seedx_sdk.validation import check_task

__all__ = ["InterleavedEngine"]


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
            fast_steps=None if config.fast is None else config.fast.num_inference_steps,
        )

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """Yield the events of one reply; see the engine protocol."""
        started = time.perf_counter()
        with tracing.span("reply", task=request.task, model=self._info.name) as reply_span:
            read_as = request if self._config.vocabulary is None else normalized(request)
            for note in await self._notices(read_as):
                yield Notice(text=note)
            specialist = self._specialist(request)
            with tracing.span("encode", parent=reply_span):
                prompt = await self._encode(read_as, specialist, deadline)
            encoded = time.perf_counter() - started
            sampling, prompt_tokens = self._sampling(request, specialist), len(prompt.token_ids)
            self.metrics.prompt_tokens += prompt_tokens
            reply = ReplyBuilder(
                self._info,
                self.service.tokenizer,
                request,
                prompt_tokens=prompt_tokens,
                encode_seconds=encoded,
                open_label=request.messages[-1].text if self._opens_box(request, specialist) else None,
            )
            written: list[int] = []
            async with aclosing(traced(self.backbone.generate(prompt, sampling), reply_span)) as answer:
                async for event in answer:
                    if isinstance(event, QueryStates):
                        self.metrics.completion_tokens += len(event.hidden_states)
                        reply.add_image_tokens(len(event.hidden_states))
                        with tracing.span("regress", parent=reply_span):
                            features = await self.service.regress(
                                event.hidden_states, model=specialist, deadline=deadline
                            )
                        job = self._job(features, request, deadline)
                        steps = job.num_inference_steps
                        with (
                            reply.timed("denoise"),
                            tracing.span("denoise", parent=reply_span, num_inference_steps=steps),
                        ):
                            async with aclosing(self.service.generate(job)) as progress:
                                async for step in progress:
                                    if isinstance(step, Image.Image):
                                        yield reply.add_image(await self._blended(step, request, written))
                                    else:
                                        yield step
                        continue
                    self.metrics.completion_tokens += len(event.token_ids)
                    written += event.token_ids
                    for token in event.token_ids:
                        for found in reply.add_token(token):
                            yield found
        yield reply.done(time.perf_counter() - started, max_images=sampling.max_images)

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
            max_images=1 if request.makes_image else None,
            specialist=specialist,
            structured_output=self._structured_output(request, specialist),
            stop_repeats=defaults.stop_repeats and options.json_schema is None,
        )

    def _job(self, features: Tensor, request: Request, deadline: float | None) -> ImageJob:
        """Return the image job of (Q, K) features."""
        condition = request.messages[-1].images[0] if request.changes_image else None
        return ImageJob.resolve(features[None], request.options, self._config, condition=condition, deadline=deadline)

    async def _blended(self, image: Image.Image, request: Request, written: Sequence[int]) -> Image.Image:
        """Return the image of a reply; an edit keeps what its plan leaves alone, if the checkpoint says so."""
        if request.task != "edit" or not self._config.generation.edit_blending:
            return image
        plan = EditPlan.parse(self.service.tokenizer.decode(written))
        return await asyncio.to_thread(blend_edit, request.messages[-1].images[0], image, plan)

    def _structured_output(self, request: Request, specialist: str | None) -> StructuredOutput | None:
        """Return what the answer must conform to."""
        if request.options.json_schema is not None:
            return StructuredOutput(json_schema=json.dumps(request.options.json_schema))
        if request.task != "detect" or not self.backbone.supports_structured_output:
            return None
        return OPENED_BOXES if self._opens_box(request, specialist) else BOXES

    def _opens_box(self, request: Request, specialist: str | None) -> bool:
        """Whether the prompt ends inside a box."""
        return request.task == "detect" and self._style(specialist) == "base"

    async def _encode(self, request: Request, specialist: str | None, deadline: float | None) -> Prompt:
        """Return the prompt with the embeddings of its images."""
        images = [image for message in request.messages for image in message.images]
        grids: Sequence[str] = EDIT_GRIDS if request.changes_image else self._config.read_grids
        views = await asyncio.gather(
            *(self.service.encode(i, grids=grids, model=specialist, deadline=deadline) for i in images)
        )
        ids = [self.service.tokenizer.bos_id]
        blocks = [image_block(len(view) - 1) for view in views]
        for segment in segments(request, blocks, self._style(specialist)):
            ids += self.service.tokenizer.encode(segment)
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
        notes = [await self.service.out_of_domain_warning(image) for image in message.images]
        if any(notes) and request.changes_image and not request.options.force:
            raise InputError(
                f"{self._info.name} knows no photographs, only pages of its picture book, and can't edit this image; "
                "load a model that can (`SeedX(model=DIRECTORY)`), or pass force=True to try anyway"
            )
        notes.append(out_of_domain_text(message.text, request.task, self._config))
        return [note for note in notes if note is not None]
