"""Request bodies of the OpenAI-compatible routes, and the calls that they stand for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field

from seedx_sdk import calls
from seedx_sdk.errors import InputError
from seedx_sdk.image_fetcher import ImageFetcher
from seedx_sdk.options import Sampler
from seedx_sdk.serve.openai.messages import ChatMessage, ignored_tools, opened_conversation
from seedx_sdk.serve.openai.parameters import OpenAIBody, WithoutNulls, only
from seedx_sdk.serve.pending_call import PendingCall, in_thread
from seedx_sdk.types import ChatReply, EditedImage, GeneratedImage, ModelInfo, Task
from seedx_sdk.validation import ImageOpener

__all__ = ["ChatCompletionBody", "EditsBody", "GenerationsBody", "ImagesBody"]

R = TypeVar("R")
_MAX_RANDOM_SEED = 2**31


class _StreamOptions(WithoutNulls):
    include_usage: bool = False
    """The last chunk before the end has no choices, and the usage of the whole reply."""


class _PlainText(WithoutNulls):
    type: Literal["text"]


class _JsonObject(WithoutNulls):
    type: Literal["json_object"]


class _NamedSchema(WithoutNulls):
    name: str
    description: str | None = None
    schema_: dict[str, Any] = Field(default={}, alias="schema")
    strict: bool | None = None
    """Accepted and ignored: every schema is strict."""


class _JsonSchema(WithoutNulls):
    type: Literal["json_schema"]
    json_schema: _NamedSchema


class _Body(OpenAIBody):
    """What all bodies have."""

    model: str | None = None
    """A name of `/v1/models`; empty or left out is the served model."""
    seed: Annotated[int | None, Field(ge=0)] = None
    """Left out, each request takes another seed; the answer says which one."""
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    sampler: Sampler | None = None

    def _first_seed(self) -> int:
        return secrets.randbelow(_MAX_RANDOM_SEED) if self.seed is None else self.seed


def _stop_texts(given: Any) -> Any:
    """Return the texts that stop an answer, without empty ones, which clients send for none."""
    texts = [given] if isinstance(given, str) else given
    return [text for text in texts if text not in ("", None)] if isinstance(texts, list) else texts


class ChatCompletionBody(_Body):
    """A conversation, which ends with a message of the user."""

    CHANGES_THE_ANSWER: ClassVar[Mapping[str, str]] = {
        "audio": "the model does not speak",
        "functions": "the model calls no functions",
        "web_search_options": "the model searches nothing",
        "repetition_penalty": "there is no penalty to set",
        "min_p": "set temperature",
        "top_k": "set temperature",
        "min_tokens": "set max_tokens",
        "stop_token_ids": "use stop",
        "guided_json": "use response_format",
        "guided_regex": "use response_format",
        "guided_choice": "use response_format",
        "guided_grammar": "use response_format",
        "image_config": "use width and height",
    }
    NEUTRAL: ClassVar[Mapping[str, object]] = {"repetition_penalty": 1, "min_p": 0, "top_k": -1, "min_tokens": 0}

    messages: list[ChatMessage]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    content_format: Literal["text", "parts"] = "text"
    """How an answer with images is given: text as `content` and images as `images` beside it, which most clients read;
    or `content` as a list of parts in their order."""
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: Annotated[list[str], BeforeValidator(_stop_texts, json_schema_input_type=str | list[str])] = []
    """An empty text stops nothing."""
    response_format: Annotated[_PlainText | _JsonObject | _JsonSchema, Field(discriminator="type")] | None = None
    width: int | None = None
    height: int | None = None
    n: Annotated[int, only(1, hint="send several requests")] = 1
    top_p: Annotated[float, only(1.0, hint="set temperature")] = 1.0
    presence_penalty: Annotated[float, only(0.0)] = 0.0
    frequency_penalty: Annotated[float, only(0.0)] = 0.0
    logit_bias: Annotated[dict[str, float], only({})] = {}
    logprobs: Annotated[bool, only(False)] = False
    top_logprobs: Annotated[int, only(0)] = 0
    tools: Annotated[list[Any], only([], hint="this model calls no tools")] = []
    tool_choice: Annotated[str | dict[str, Any], only("none", "auto")] = "none"
    parallel_tool_calls: bool = True
    modalities: list[Literal["text", "image"]] = ["text", "image"]
    """Accepted and ignored: the model answers with images where it is asked for them."""

    def pending_call(self, fetcher: ImageFetcher) -> PendingCall[ChatReply]:
        """Return the pending call."""
        pending: PendingCall[ChatReply] = PendingCall(
            task="chat",
            images=[url for message in self.messages for url in message.image_urls],
            images_param="messages",
            text_param="messages",
            params={
                "max_new_tokens": "max_tokens" if self.max_completion_tokens is None else "max_completion_tokens",
                "json_schema": "response_format",
            },
            fetcher=fetcher,
            content=lambda: self.model_dump_json(
                exclude={"stream", "stream_options", "content_format", *self.CHANGES_NOTHING}
            ).encode(),
            open=in_thread(lambda: self._call(pending.fetched)),
            options=self.model_dump(include={"width", "height", "num_inference_steps", "sampler"}),
        )
        return pending

    def _call(self, fetched: Mapping[str, bytes]) -> calls.Call[ChatReply]:
        opener = ImageOpener([*self.ignored, *ignored_tools(self.messages)])
        return calls.chat(
            opened_conversation(self.messages, lambda url: opener(fetched.get(url, url))),
            opened_by=opener,
            width=self.width,
            height=self.height,
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            sampler=self.sampler,
            seed=self._first_seed(),
            max_new_tokens=self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens,
            temperature=self.temperature,
            json_schema=self._schema(),
            stop=self.stop,
        )

    def _schema(self) -> dict[str, Any] | None:
        """Return the JSON schema of the answer, if there is one."""
        if isinstance(self.response_format, _JsonSchema):
            return self.response_format.json_schema.schema_
        return {"type": "object"} if isinstance(self.response_format, _JsonObject) else None


class ImagesBody(_Body):
    """Images to generate or edit; with `n`, each image has a seed 1 higher than the one before."""

    CHANGES_THE_ANSWER: ClassVar[Mapping[str, str]] = {
        "negative_prompt": "say in the prompt what there should be",
        "strength": "use image_guidance_scale in edits",
        "steps": "use num_inference_steps",
        "cfg_scale": "use guidance_scale",
        "width": "use size",
        "height": "use size",
        "style": "say it in the prompt",
        "mask": "edits take one image and no mask; say in the prompt what changes",
    }

    prompt: str
    n: Annotated[int, Field(ge=1, le=10)] = 1
    size: str | None = None
    """WIDTHxHEIGHT in pixels; "auto" or left out is the model's own size."""
    response_format: Annotated[
        str, only("b64_json", hint="the server keeps no images to link to; images come as base64")
    ] = "b64_json"
    output_format: Literal["png", "jpeg", "webp"] = "png"
    output_compression: Annotated[int, Field(ge=0, le=100)] = 100
    """Quality of a jpeg or webp; a png is lossless."""
    stream: bool = False
    partial_images: Annotated[int, Field(ge=0, le=3)] = 0
    """Previews of each image in a stream."""
    quality: Annotated[
        str, only("auto", "standard", "medium", hint="more num_inference_steps are slower and finer")
    ] = "auto"
    background: Annotated[str, only("auto", "opaque")] = "auto"
    moderation: Literal["auto", "low"] = "auto"
    """Accepted and ignored: nothing is moderated."""

    def _pending(
        self, task: Task, seed: int, info: ModelInfo, make: Callable[..., calls.Call[R]], image: bytes = b""
    ) -> PendingCall[R]:
        def call() -> calls.Call[R]:
            return make(seed=seed, **self._options(info)).noting(self.ignored)

        return PendingCall(
            task=task,
            images=[image] if image else [],
            images_param="image",
            text_param="prompt",
            params={"instruction": "prompt", "width": "size", "height": "size", "preview_every": "partial_images"},
            content=lambda: self.model_dump_json(exclude=set(self.CHANGES_NOTHING)).encode() + image,
            open=in_thread(call),
            options=self._options(info),
        )

    def _options(self, info: ModelInfo) -> dict[str, Any]:
        width, height = _size(self.size)
        steps = self.num_inference_steps or (info.fast_steps if self.sampler == "fast" else info.default_steps) or 1
        shown = self.partial_images if self.stream else 0
        return {
            "width": width,
            "height": height,
            "num_inference_steps": self.num_inference_steps,
            "guidance_scale": self.guidance_scale,
            "sampler": self.sampler,
            "preview_every": _preview_every(steps, shown) if shown else None,
        }

    @property
    def _seeds(self) -> range:
        first = self._first_seed()
        return range(first, first + self.n)


class GenerationsBody(ImagesBody):
    """Images to generate from a prompt."""

    def pending_calls(self, info: ModelInfo) -> list[PendingCall[GeneratedImage]]:
        """Return a pending call for each image."""
        return [self._pending("generate", seed, info, partial(calls.generate, self.prompt)) for seed in self._seeds]


class EditsBody(ImagesBody):
    """Edits of one image, which comes as a file."""

    image_guidance_scale: float | None = None
    force: bool = True
    """Edit also an image unlike all that the model was trained on, with a warning. Elsewhere such an image is refused
    unless the caller insists; clients of OpenAI's API have no parameter to insist with."""
    input_fidelity: Annotated[str, only("low", hint="a higher image_guidance_scale keeps closer to the image")] = "low"

    def pending_calls(self, info: ModelInfo, image: bytes) -> list[PendingCall[EditedImage]]:
        """Return a pending call for each edit of an image, given as the bytes of a file."""
        make = partial(calls.edit, image, self.prompt, force=self.force, image_guidance_scale=self.image_guidance_scale)
        return [self._pending("edit", seed, info, make, image) for seed in self._seeds]


def _preview_every(steps: int, shown: int) -> int:
    """Return between how many steps a preview comes, so that there are enough and they are spread out."""
    spread, enough = -(-steps // (shown + 1)), (steps - 1) // shown
    return max(1, min(spread, enough))


def _size(size: str | None) -> tuple[int, int] | tuple[None, None]:
    if size in (None, "", "auto"):
        return None, None
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", size)
    if match is None:
        raise InputError(f"size {size[:40]!r} is not allowed; use WIDTHxHEIGHT, such as 128x128, or auto", param="size")
    return int(match[1]), int(match[2])
