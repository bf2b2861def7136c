"""`POST /v1/tools/read_deck` and `/v1/tools/edit_deck`: decks that are sent, read or edited, and sent back."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError, ServiceError
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, IdempotencyKey, cancel_on_disconnect
from seedx_sdk.serve.dispatcher import Dispatcher
from seedx_sdk.types import ModelInfo, StreamEvent
from seedx_sdk.types import Request as ModelRequest
from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.ooxml.unpacked import unpacked_size
from seedx_tools.decks.operations.deck_outline import DeckOutline, read_deck
from seedx_tools.decks.operations.edit import edit_deck
from seedx_tools.decks.results import Deck

__all__ = ["PPTX", "deck_folder", "deck_response", "router"]

router = APIRouter()
T = TypeVar("T")
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


def _decoded(value: str) -> bytes:
    """Return the bytes of a data URI or of base64."""
    head, comma, data = value.partition(",")
    try:
        return base64.b64decode(data if comma and head.startswith("data:") else value, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("must be a data URI (data:application/...;base64,...) or base64") from None


_MAX_NAME_BYTES = 255
"""Of a file name, on the file systems of Linux, macOS and Windows."""


def _plain_name(name: str) -> str:
    is_plain = PurePath(name).name == name and name not in ("", "..") and "\0" not in name
    if not is_plain or len(name.encode()) > _MAX_NAME_BYTES:
        raise ValueError(f"'{name[:80]}' is not a plain file name; use one such as 'template.pptx'")
    return name


def _encoded(value: str) -> str:
    _decoded(value)
    return value


DeckBytes = Annotated[str, AfterValidator(_encoded)]
"""A .pptx as a data URI or base64."""
FileName = Annotated[str, AfterValidator(_plain_name)]


class _WithoutImages:
    """An engine that answers nothing: edits run in threads, and what answers belongs to the server's event loop."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def stream(self, request: ModelRequest, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        del request, cancel
        raise ServiceError("decks are edited here without the model; use POST /v1/tools/make_slides for images")


class ReadDeckBody(BaseModel):
    """A deck to read."""

    model_config = ConfigDict(extra="forbid")

    deck: DeckBytes


class EditDeckBody(ReadDeckBody):
    """A deck and what is to be done with it."""

    orders: tuple[DeckOrder, ...] = ()
    """What is to be done; all of it or nothing."""
    request: str = ""
    """The same in plain words, such as "delete slide 2 and move slide 5 to 2"."""
    files: dict[FileName, DeckBytes] = Field(default={})
    """The decks and templates that orders name as `file`, by their names."""

    @model_validator(mode="after")
    def _has_orders(self) -> EditDeckBody:
        if bool(self.orders) == bool(self.request.strip()):
            raise ValueError("give either 'orders' or a 'request'")
        unknown = next((order.file for order in self.orders if order.file and order.file not in self.files), None)
        if unknown is not None:
            raise ValueError(f"'{unknown[:80]}' is not in 'files'")
        return self


@router.post("/read_deck")
async def read_deck_route(
    body: ReadDeckBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller
) -> DeckOutline:
    """Return the number, title, kind and text of each slide of a .pptx."""

    def read() -> DeckOutline:
        with deck_folder() as folder:
            path = _written(folder, "deck.pptx", body.deck)
            _check_budget([path], dispatcher)
            return read_deck(path)

    return await cancel_on_disconnect(request, _in_turn(read, dispatcher, caller))


@router.post("/edit_deck", response_class=Response, responses={200: {"content": {PPTX: {}}}})
async def edit_deck_route(
    body: EditDeckBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Return the edited .pptx. `X-SeedX-Warnings`, a JSON list, says what changed beside the orders.

    New slides get no generated images.
    """

    def edit() -> tuple[bytes, Deck]:
        with deck_folder() as folder, SeedX(engine=_WithoutImages(dispatcher.engine.info)) as seedx:
            return _edited(seedx, body, folder, dispatcher)

    async def make() -> Response:
        return deck_response(*await _in_turn(edit, dispatcher, caller))

    answer = dispatcher.repeats.once(caller, key, lambda: f"edit_deck{body.model_dump_json()}".encode(), make)
    return await cancel_on_disconnect(request, answer)


async def _in_turn(work: Callable[[], T], dispatcher: Dispatcher, caller: Caller) -> T:
    """Do what takes a while in a thread, when it is the caller's turn."""
    async with dispatcher.beside(caller):
        return await to_thread.run_sync(work)


@contextmanager
def deck_folder() -> Iterator[Path]:
    """Make a temporary folder for the decks of a request.

    Raises:
        ServiceError: If a file cannot be stored there.
    """
    try:
        with TemporaryDirectory(prefix="seedx-deck-") as folder:
            yield Path(folder)
    except OSError as error:
        raise ServiceError(f"the deck cannot be stored ({error.strerror}): free disk space, or set TMPDIR") from error


def deck_response(content: bytes, deck: Deck) -> Response:
    """Return a .pptx as an answer, with its warnings in a header."""
    headers = {
        "Content-Disposition": 'attachment; filename="slides.pptx"',
        "X-SeedX-Warnings": json.dumps(deck.warnings),  # ASCII, as headers must be
    }
    return Response(content, media_type=PPTX, headers=headers)


def _edited(seedx: SeedX, body: EditDeckBody, folder: Path, dispatcher: Dispatcher) -> tuple[bytes, Deck]:
    path = _written(folder, "deck.pptx", body.deck)
    others = folder / "files"
    others.mkdir()
    _check_budget([path, *(_written(others, name, content) for name, content in body.files.items())], dispatcher)
    orders = tuple(
        order.model_copy(update={"file": str(others / order.file)}) if order.file else order for order in body.orders
    )
    try:
        deck = edit_deck(seedx, path, orders or body.request, pictures=False)
    except InputError as error:
        error.args = (str(error).replace(f"{folder}/files/", "").replace(f"{folder}/", ""),)
        raise
    return path.read_bytes(), deck


def _check_budget(paths: Sequence[Path], dispatcher: Dispatcher) -> None:
    """Check what decks unpack to, and their pictures, before they are opened.

    Raises:
        InputError: If it is too much for one request.
    """
    num_bytes = num_xml_bytes = 0
    pixels: list[int] = []
    for path in paths:
        size = unpacked_size(path, max_bytes=2 * dispatcher.settings.max_body_bytes)
        num_bytes, num_xml_bytes = num_bytes + size.num_bytes, num_xml_bytes + size.num_xml_bytes
        pixels += size.pixels
        dispatcher.budget.check_unpacked(num_bytes, num_xml_bytes, "deck")
    dispatcher.budget.check_pixels(pixels, "deck")


def _written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(_decoded(content))
    return path
