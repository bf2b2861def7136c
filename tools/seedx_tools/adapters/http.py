"""`POST /v1/tools/make_slides`: a deck over HTTP. Servers find it as a plug-in."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from seedx_sdk import SeedX
from seedx_sdk.engine.blocking import LoopEngine
from seedx_sdk.errors import ServiceError
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, cancel_on_disconnect
from seedx_sdk.serve.dispatcher_engine import DispatcherEngine
from seedx_tools.catalog.make_slides import DeckArgs
from seedx_tools.decks.make import make_slides
from seedx_tools.decks.results import Deck

__all__ = ["router"]

router = APIRouter(prefix="/v1/tools", tags=["tools"])
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_AT_ONCE = CapacityLimiter(4)
"""Decks in the making, each in a thread of its own; more wait. Drawing them is shared with all other requests."""


@router.post("/make_slides", response_class=Response, responses={200: {"content": {_PPTX: {}}}})
async def make_slides_route(
    body: DeckArgs, request: Request, dispatcher: CurrentDispatcher, caller: Caller
) -> Response:
    """An editable .pptx with drawn pictures. What a slide could not get is in `X-SeedX-Warnings`, a list as JSON."""
    stop = threading.Event()
    engine = LoopEngine(DispatcherEngine(dispatcher, caller), asyncio.get_running_loop())
    seedx = SeedX(engine=engine).with_cancel(stop.is_set)
    try:
        content, deck = await cancel_on_disconnect(request, _in_a_thread(seedx, body))
    finally:
        stop.set()
    headers = {
        "Content-Disposition": 'attachment; filename="slides.pptx"',
        "X-SeedX-Warnings": json.dumps(deck.warnings),  # ASCII, as headers must be
    }
    return Response(content, media_type=_PPTX, headers=headers)


async def _in_a_thread(seedx: SeedX, body: DeckArgs) -> tuple[bytes, Deck]:
    return await to_thread.run_sync(_make, seedx, body, abandon_on_cancel=True, limiter=_AT_ONCE)


def _make(seedx: SeedX, body: DeckArgs) -> tuple[bytes, Deck]:
    try:
        with TemporaryDirectory(prefix="seedx-deck-") as folder:
            path = Path(folder) / "slides.pptx"
            deck = make_slides(
                seedx,
                body.prompt_or_outline,
                path=path,
                theme=body.theme,
                size=body.size,
                num_slides=body.num_slides,
                seed=body.seed,
                pictures=body.pictures,
            )
            return path.read_bytes(), deck
    except OSError as error:
        raise ServiceError(f"the deck cannot be kept ({error.strerror}): make room, or set TMPDIR") from error
