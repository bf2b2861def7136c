"""The typed things that go into and come out of a call: messages, boxes, results and stream events.

All are frozen pydantic models: `result.model_dump()` and `model_dump_json()` write pictures as PNG data URIs, and
`Description.model_validate_json(...)` reads them back. With `context={"picture": name}` they write `name(picture)`
instead, for readers who have no use for pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic_core import core_schema

from seedx_sdk.imaging import open_image, to_data_uri

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
    "GenerationOptions",
    "ImageDone",
    "ImagePart",
    "ImageProgress",
    "Message",
    "ModelInfo",
    "Notice",
    "PictureField",
    "ReplyDone",
    "Result",
    "Sampler",
    "StreamEvent",
    "TextDelta",
    "TextPart",
    "Usage",
]


class _PictureSchema:
    """How pydantic reads and writes a PIL picture: a data URI, in JSON and in Python, as whoever stores it needs."""

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
        return {"type": "string", "format": "data-uri", "description": "a picture as data:image/png;base64,..."}


def _written(image: Image.Image, info: SerializationInfo) -> str:
    """A data URI, or what the context's "picture" function makes of the picture."""
    write: Callable[[Image.Image], str] = (info.context or {}).get("picture", to_data_uri)
    return write(image)


def _from_data_uri(text: str) -> Image.Image:
    if not text.startswith("data:"):
        raise ValueError("a picture in JSON must be a data URI (data:image/png;base64,...)")
    return open_image(text)


def _from_python(value: object) -> Image.Image:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str):
        return _from_data_uri(value)
    raise ValueError(f"a picture must be a PIL image or a data URI, not {type(value).__name__}")


PictureField: TypeAlias = Annotated[Image.Image, _PictureSchema]
"""A PIL picture that serialises to a PNG data URI."""


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class Box(_Frozen):
    """A labelled rectangle on a picture."""

    label: str
    normalized: tuple[float, float, float, float]
    """x0, y0, x1, y1 as fractions (0..1) of the picture's width and height."""
    pixels: tuple[int, int, int, int]
    """The same corners in whole pixels of the picture that the box belongs to."""

    @classmethod
    def on(cls, label: str, normalized: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
        """The box with `normalized` corners (clipped to 0..1) on a picture of `size` (width, height) pixels."""
        x0, y0, x1, y1 = (min(1.0, max(0.0, value)) for value in normalized)
        width, height = size
        pixels = (round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height))
        return cls(label=label, normalized=(x0, y0, x1, y1), pixels=pixels)


class TextPart(_Frozen):
    """Words in a message."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(_Frozen):
    """A picture in a message."""

    type: Literal["image"] = "image"
    image: PictureField


ContentPart: TypeAlias = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(_Frozen):
    """One turn of a conversation: texts and pictures in the order in which they were said."""

    role: Literal["user", "assistant"]
    content: tuple[ContentPart, ...]

    @classmethod
    def user(cls, *parts: str | Image.Image) -> Message:
        """A turn of the person: `Message.user(picture, "what is this?")`."""
        return cls(role="user", content=_parts(parts))

    @classmethod
    def assistant(cls, *parts: str | Image.Image) -> Message:
        """A turn of the model, to give it as history."""
        return cls(role="assistant", content=_parts(parts))

    @property
    def text(self) -> str:
        """All text parts, joined by single spaces."""
        return " ".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[Image.Image, ...]:
        """All pictures, in order."""
        return tuple(part.image for part in self.content if isinstance(part, ImagePart))


def _parts(parts: tuple[str | Image.Image, ...]) -> tuple[TextPart | ImagePart, ...]:
    return tuple(TextPart(text=part) if isinstance(part, str) else ImagePart(image=part) for part in parts)


Dtype: TypeAlias = Literal["float32", "bfloat16", "float16"]
"""The type in which a model's numbers are kept while it runs."""

Sampler: TypeAlias = Literal["reference", "fast"]
"""How a picture is de-noised: as the model was released, or in its fast mode, which takes fewer steps."""


class ModelInfo(_Frozen):
    """What a loaded model is and what it accepts."""

    name: str
    revision: str
    """Identifies the weights; the same revision, seed and request give the same answer."""
    image_size: int
    """Side in pixels of the square pictures that the model was trained to draw."""
    sizes: str
    """One sentence on which other sizes work, and how well."""
    is_picture_book: bool
    """True for the shipped nano model, which knows only drawn scenes and no photographs."""
    min_size: int = 64
    """Smallest side in pixels of a picture to draw."""
    max_size: int = 2048
    """Largest side in pixels of a picture to draw."""
    fast_steps: int | None = None
    """De-noising steps of the fast mode; None: these weights have no fast mode that was measured on them."""
    tasks: tuple[str, ...] = ("describe", "detect", "generate", "chat", "edit")
    """The calls that it answers."""
    supports_structured_output: bool = False
    """Whether answers can be held to a JSON schema."""
    max_prompt_chars: int = 2000
    """Longest text, in characters, of one message."""


class Usage(_Frozen):
    """Tokens of the language model; a picture that it reads or draws counts as its image tokens."""

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
    """What could not be honoured as asked, in words for the person who asked."""
    usage: Usage | None = None
    """None if the engine does not count."""
    finish_reason: Literal["stop", "length"] = "stop"
    """"length" if `max_new_tokens`, or the model's own limit, cut the words off."""


class Description(Result):
    """An answer in words about pictures."""

    text: str


class Detection(Result):
    """Boxes around what a phrase names."""

    boxes: tuple[Box, ...]
    text: str
    """The model's own words around the boxes."""
    annotated: PictureField
    """The given picture with the boxes drawn on it."""


class GeneratedImage(Result):
    """A drawn picture."""

    image: PictureField | None
    """None only with `force_image=False`, when the model chose to answer in words."""
    text: str
    layout: tuple[Box, ...]
    """The boxes that the model wrote down before drawing; may be empty."""


class EditedImage(Result):
    """A picture changed as told."""

    image: PictureField
    text: str
    layout: tuple[Box, ...]
    """The boxes that the model wrote down before drawing; may be empty."""


class ChatReply(Result):
    """One reply of the model: texts and pictures in order, and the boxes that it named."""

    message: Message
    boxes: tuple[Box, ...]


class TextDelta(_Frozen):
    """A further piece of text."""

    type: Literal["text_delta"] = "text_delta"
    text: str


class BoxFound(_Frozen):
    """The model named a box."""

    type: Literal["box_found"] = "box_found"
    box: Box


class ImageProgress(_Frozen):
    """One de-noising step is done."""

    type: Literal["image_progress"] = "image_progress"
    step: int
    """1..total."""
    total: int
    preview: PictureField | None = None
    """Roughly what the picture will be, if the request asked for previews and this step has one."""


class ImageDone(_Frozen):
    """A picture is finished."""

    type: Literal["image_done"] = "image_done"
    image: PictureField
    text: str
    """What the model had said before it drew."""


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


class GenerationOptions(_Frozen):
    """How to answer; None means the model's own default from its config.json."""

    seed: int = 0
    width: int | None = None
    height: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    image_guidance_scale: float | None = None
    max_new_tokens: int | None = None
    sampler: Sampler | None = None
    preview_every: int | None = None
    """De-noising steps between two previews; 0 is none."""
    force_image: bool = False
    force: bool = False
    """Edit even an image that is unlike all that the model was trained on."""
    temperature: float | None = None
    """0..2; 0 takes the likeliest token."""
    json_schema: dict[str, Any] | None = None
    """The answer is JSON that fits this schema, and draws nothing."""


Task = Literal["describe", "detect", "generate", "edit", "chat"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A checked request. Pictures in `messages` are RGB; the last message is the user's."""

    task: Task
    """Chooses the prompt template and the specialist."""
    messages: tuple[Message, ...]
    options: GenerationOptions
