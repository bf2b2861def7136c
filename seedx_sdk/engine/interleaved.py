"""The reply of a model: its language model writes, and the de-tokenizer service reads and draws the pictures.

One loop for every way of running: which backbone writes, and on what device the service draws, is decided outside.
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
from seedx_sdk.tokens import image_block
from seedx_sdk.types import ModelInfo, Notice, Request, StreamEvent

__all__ = ["InterleavedEngine"]


class InterleavedEngine:
    """`AsyncEngine` over a backbone and a picture service; answers as many requests at once as they do.

    Args:
        backbone: Writes.
        service: Reads pictures and draws; its config says what the model is.
    """

    def __init__(self, backbone: Backbone, service: ImageService) -> None:
        self.backbone, self.service = backbone, service
        self.metrics = EngineMetrics(service=service.metrics)
        self._config = config = service.config
        self._info = ModelInfo(
            name=config.name,
            revision=config.revision,
            image_size=config.image_size,
            sizes=config.sizes,
            is_picture_book=config.familiar_psnr is not None,
            tasks=config.tasks(takes_condition_image=service.takes_condition_image),
            supports_structured_output=backbone.supports_structured_output,
            fast_steps=None if config.fast is None else config.fast.num_inference_steps,
        )

    @property
    def info(self) -> ModelInfo:
        """What the model is and what it accepts."""
        return self._info

    async def stream(self, request: Request, *, deadline: float | None = None) -> AsyncGenerator[StreamEvent, None]:
        """The events of one reply; see `AsyncEngine.stream`."""
        started = time.perf_counter()
        with tracing.span("reply", task=request.task, model=self._info.name) as whole:
            read_as = request if self._config.vocabulary is None else normalized(request)
            for note in await self._notices(read_as):
                yield Notice(text=note)
            specialist = request.task if request.task in self.service.specialists else None
            with tracing.span("read", parent=whole):
                prompt = await self._read(read_as, specialist, deadline)
            encoded = time.perf_counter() - started
            sampling, read = self._sampling(request, specialist), len(prompt.token_ids)
            self.metrics.prompt_tokens += read
            reply = ReplyBuilder(
                self._info,
                self.service.tokenizer,
                request,
                prompt_tokens=read,
                encode_seconds=encoded,
                opened=request.messages[-1].text if self._opens_box(request) else None,
            )
            written: list[int] = []
            async with aclosing(traced(self.backbone.generate(prompt, sampling), whole)) as answer:
                async for event in answer:
                    if isinstance(event, QueryStates):
                        self.metrics.completion_tokens += len(event.hidden_states)
                        reply.add_image_tokens(len(event.hidden_states))
                        with tracing.span("regress", parent=whole):
                            features = await self.service.regress(
                                event.hidden_states, model=specialist, deadline=deadline
                            )
                        job = self._job(features, request, deadline)
                        with reply.timed("denoise"), tracing.span("draw", parent=whole, steps=job.steps):
                            async with aclosing(self.service.draw(job)) as steps:
                                async for step in steps:
                                    if isinstance(step, Image.Image):
                                        step = reply.add_picture(await self._blended(step, request, written))
                                    yield step
                        continue
                    self.metrics.completion_tokens += len(event.token_ids)
                    written += event.token_ids
                    for token in event.token_ids:
                        for said in reply.add_token(token):
                            yield said
        yield reply.done(time.perf_counter() - started, max_pictures=sampling.max_pictures)

    async def check(self) -> None:
        """Returns if both work; see `AsyncEngine.check`."""
        await self.service.check()
        await self.backbone.check()

    def _sampling(self, request: Request, specialist: str | None) -> SamplingParams:
        """Returns how to answer, with the model's defaults where the options are None."""
        defaults, options = self._config.generation, request.options
        temperature = options.temperature
        if temperature is None:
            temperature = defaults.temperature if request.task == "generate" else 0.0
        return SamplingParams(
            max_new_tokens=options.max_new_tokens or defaults.max_new_tokens,
            temperature=temperature,
            seed=options.seed,
            must_draw=options.force_image,
            max_pictures=1 if request.task in ("generate", "edit") else None,
            specialist=specialist,
            guide=self._apply_guidance(request),
        )

    def _job(self, features: Tensor, request: Request, deadline: float | None) -> ImageJob:
        """Returns what is to be drawn of (Q, K) features."""
        condition = request.messages[-1].images[0] if request.task == "edit" else None
        return ImageJob.resolve(features[None], request.options, self._config, condition=condition, deadline=deadline)

    async def _blended(self, image: Image.Image, request: Request, written: Sequence[int]) -> Image.Image:
        """Return the image of a reply; an edit keeps what its plan leaves alone, if the checkpoint says so."""
        if request.task != "edit" or not self._config.generation.edit_blending:
            return image
        plan = EditPlan.parse(self.service.tokenizer.decode(written))
        return await asyncio.to_thread(blend_edit, request.messages[-1].images[0], image, plan)

    def _apply_guidance(self, request: Request) -> StructuredOutput | None:
        """Returns the form that the answer must have."""
        if request.options.json_schema is not None:
            return StructuredOutput(json_schema=json.dumps(request.options.json_schema))
        if request.task != "detect" or not self.backbone.supports_structured_output:
            return None
        return OPENED_BOXES if self._opens_box(request) else BOXES

    def _opens_box(self, request: Request) -> bool:
        """Whether the prompt ends inside of a box."""
        return request.task == "detect" and self._config.prompts == "base"

    async def _read(self, request: Request, specialist: str | None, deadline: float | None) -> Prompt:
        """Returns the prompt with what the model reads of the pictures."""
        pictures = [image for message in request.messages for image in message.images]
        grids: Sequence[str] = EDIT_GRIDS if request.task == "edit" else self._config.read_grids
        views = await asyncio.gather(
            *(self.service.read(p, grids=grids, model=specialist, deadline=deadline) for p in pictures)
        )
        ids = [self.service.tokenizer.bos_id]
        blocks = [image_block(len(view) - 1) for view in views]
        for segment in segments(request, blocks, self._config.prompts):
            ids += self.service.tokenizer.encode(segment)
        features = torch.cat([view.flatten(0, 1) for view in views]) if views else None
        return Prompt(token_ids=tuple(ids), features=features)

    async def _notices(self, request: Request) -> list[str]:
        """Return warnings of what a model of a small world can't know.

        Raises:
            InputError: If an image to edit is none of that world, and the request does not force it.
        """
        if not self._info.is_picture_book:
            return []
        message = request.messages[-1]
        notes = [note for image in message.images if (note := await self.service.unfamiliar(image)) is not None]
        if notes and request.task == "edit" and not request.options.force:
            raise InputError(
                f"{self._info.name} knows no photographs, only pages of its picture book, and can't edit this image; "
                "load a model that can (`SeedX(model=DIRECTORY)`), or pass force=True to try anyway"
            )
        unknown = out_of_domain_text(message.text, request.task, self._config)
        return [*notes, *([] if unknown is None else [unknown])]
