"""The typed things that go into and come out of a call: messages, boxes, results and stream events.

All are frozen pydantic models: `result.model_dump()` and `model_dump_json()` write images as PNG data URIs, and
`Description.model_validate_json(...)` reads them back. With `context={"image": name}` they write `name(image)`
instead, for readers that need no pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic_core import core_schema

from seedx_sdk.imaging import is_data_uri, open_image, to_data_uri
from seedx_sdk.options import GenerationOptions

__all__ = [
    "Box",
    "BoxFound",
    "ChatReply",
    "ContentPart",
    "Description",
    "Detection",
    "Dtype",
    "EditedImage",
    "GeneratedImage",
    "ImageDone",
    "ImagePart",
    "ImageProgress",
    "Message",
    "ModelInfo",
    "Notice",
    "ImageField",
    "ReplyDone",
    "Result",
    "StreamEvent",
    "TextDelta",
    "TextPart",
    "TryOnImage",
    "Usage",
]


class _ImageSchema:
    """How pydantic reads and writes a PIL image: a data URI, in JSON and in Python."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_from_data_uri, core_schema.str_schema()),
            python_schema=core_schema.no_info_plain_validator_function(_from_python),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "data-uri", "description": "an image as data:image/png;base64,..."}


def _written(image: Image.Image, info: SerializationInfo) -> str | None:
    """Return a data URI, or what the context's "image" function makes of the image."""
    write: Callable[[Image.Image], str | None] = (info.context or {}).get("image", to_data_uri)
    return write(image)


def _from_data_uri(text: str) -> Image.Image:
    if not is_data_uri(text):
        raise ValueError("an image in JSON must be a data URI (data:image/png;base64,...)")
    return open_image(text)


def _from_python(value: object) -> Image.Image:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str):
        return _from_data_uri(value)
    raise ValueError(f"an image must be a PIL image or a data URI, not {type(value).__name__}")


ImageField: TypeAlias = Annotated[Image.Image, _ImageSchema]
"""A PIL image that serializes to a PNG data URI."""


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class Box(_Frozen):
    """A labeled rectangle on an image."""

    label: str
    normalized: tuple[float, float, float, float]
    """x0, y0, x1, y1 as fractions (0..1) of the image's width and height."""
    pixels: tuple[int, int, int, int]
    """The same corners in whole pixels of the image that the box belongs to."""

    @classmethod
    def on(cls, label: str, normalized: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
        """Return the box with `normalized` corners (clipped to 0..1) on an image of `size` (width, height) pixels."""
        x0, y0, x1, y1 = (min(1.0, max(0.0, value)) for value in normalized)
        width, height = size
        pixels = (round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height))
        return cls(label=label, normalized=(x0, y0, x1, y1), pixels=pixels)


class TextPart(_Frozen):
    """Text in a message."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(_Frozen):
    """An image in a message."""

    type: Literal["image"] = "image"
    image: ImageField


ContentPart: TypeAlias = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(_Frozen):
    """One turn of a conversation: texts and images in order."""

    role: Literal["user", "assistant"]
    content: tuple[ContentPart, ...]

    @classmethod
    def user(cls, *parts: str | Image.Image) -> Message:
        """Return a turn of the user: `Message.user(image, "what is this?")`."""
        return cls(role="user", content=_parts(parts))

    @classmethod
    def assistant(cls, *parts: str | Image.Image) -> Message:
        """Return a turn of the model, to pass as history."""
        return cls(role="assistant", content=_parts(parts))

    @property
    def text(self) -> str:
        """All text parts, joined by single spaces."""
        return " ".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[Image.Image, ...]:
        """All images, in order."""
        return tuple(part.image for part in self.content if isinstance(part, ImagePart))


def _parts(parts: tuple[str | Image.Image, ...]) -> tuple[TextPart | ImagePart, ...]:
    return tuple(TextPart(text=part) if isinstance(part, str) else ImagePart(image=part) for part in parts)


Dtype: TypeAlias = Literal["float32", "bfloat16", "float16"]
"""The type of a model's weights while it runs."""


class ModelInfo(_Frozen):
    """What a loaded model is and what it accepts."""

    name: str
    revision: str
    """Identifies the weights; the same revision, seed and request give the same answer."""
    image_size: int
    """Side in pixels of the square images that the model was trained to draw."""
    sizes: str
    """One sentence on which other sizes work, and how well."""
    is_picture_book: bool
    """True for the shipped nano model, which knows only drawn scenes and no photographs."""
    min_size: int = 64
    """Smallest side in pixels of an image to draw."""
    max_size: int = 2048
    """Largest side in pixels of an image to draw."""
    default_steps: int | None = None
    """Denoising steps of an image, unless a request says how many; None: the engine denoises nothing."""
    fast_steps: int | None = None
    """Denoising steps of the fast mode; None: no fast mode was measured on these weights."""
    tasks: tuple[str, ...] = ("describe", "detect", "generate", "chat", "edit")
    """The calls that it answers."""
    specialists: tuple[str, ...] = ()
    """Names of its specialists: adapters over the same language model, each trained for one kind of request."""
    supports_structured_output: bool = False
    """Whether text can be made to fit a JSON schema."""
    max_prompt_chars: int = 2000
    """Longest text, in characters, of one message."""


class Usage(_Frozen):
    """Tokens of the language model; an image that it reads or draws counts as its image tokens."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.completion_tokens


class Result(_Frozen):
    """What every answer carries."""

    seed: int
    model: str
    revision: str
    timings: dict[str, float]
    """Seconds per stage; `total` is the whole call."""
    warnings: tuple[str, ...]
    """What could not be done as requested, in words for the user."""
    usage: Usage | None = None
    """None if the engine does not count."""
    finish_reason: Literal["stop", "length"] = "stop"
    """"length" if `max_new_tokens`, or the model's own limit, cut the text off."""


class Description(Result):
    """A text about images."""

    text: str


class Detection(Result):
    """Boxes around what a phrase names."""

    boxes: tuple[Box, ...]
    text: str
    """The model's text around the boxes."""
    annotated: ImageField
    """The given image with the boxes drawn on it; one of more than 4 million pixels is scaled down."""


class GeneratedImage(Result):
    """A generated image."""

    image: ImageField | None
    """None only with `force_image=False`, when the model chose to answer in text."""
    text: str
    layout: tuple[Box, ...]
    """The boxes that the model wrote before it generated the image; may be empty."""


class EditedImage(Result):
    """An image edited according to an instruction."""

    image: ImageField
    text: str
    layout: tuple[Box, ...]
    """The boxes that the model wrote before it generated the image; may be empty."""


class TryOnImage(Result):
    """A person dressed in a garment."""

    image: ImageField
    text: str
    region: Box
    """Where the person was dressed: the part of the given image that the model did not see."""


class ChatReply(Result):
    """One reply of the model: texts and images in order, and the boxes that it named."""

    message: Message
    boxes: tuple[Box, ...]
    written: str = ""
    """All that the model wrote, with the tokens of boxes and images where they stood."""


class TextDelta(_Frozen):
    """A further piece of text."""

    type: Literal["text_delta"] = "text_delta"
    text: str


class BoxFound(_Frozen):
    """The model named a box."""

    type: Literal["box_found"] = "box_found"
    box: Box


class ImageProgress(_Frozen):
    """One denoising step is done."""

    type: Literal["image_progress"] = "image_progress"
    step: int
    """1..total."""
    total: int
    preview: ImageField | None = None
    """Roughly what the image will be, if the request asked for previews and this step has one."""


class ImageDone(_Frozen):
    """An image is finished."""

    type: Literal["image_done"] = "image_done"
    image: ImageField
    text: str
    """The model's text before the image."""


class Notice(_Frozen):
    """A warning from the engine; it also ends up in the reply's `warnings`."""

    type: Literal["notice"] = "notice"
    text: str


class ReplyDone(_Frozen):
    """The last event: the whole reply."""

    type: Literal["reply_done"] = "reply_done"
    reply: ChatReply


StreamEvent: TypeAlias = Annotated[
    TextDelta | BoxFound | ImageProgress | ImageDone | Notice | ReplyDone, Field(discriminator="type")
]


Task = Literal["describe", "detect", "generate", "edit", "try_on", "story", "chat"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A checked request. Images in `messages` are RGB; the last message is the user's."""

    task: Task
    """Chooses the prompt template and, where the options name none, the specialist."""
    messages: tuple[Message, ...]
    options: GenerationOptions

    @property
    def changes_image(self) -> bool:
        """Whether the answer is the first image of the last message, changed: the de-tokenizer's condition image."""
        return self.task in ("edit", "try_on")

    @property
    def makes_image(self) -> bool:
        """Whether the answer is one image."""
        return self.task == "generate" or self.changes_image
