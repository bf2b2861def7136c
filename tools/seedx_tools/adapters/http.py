"""`POST /v1/tools/make_slides`: a deck over HTTP, and the routes of http_edits. Servers find them as a plug-in."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from seedx_sdk import AsyncSeedX
from seedx_sdk.imaging import image_size, open_image
from seedx_sdk.serve.dependencies import Caller, CurrentDispatcher, IdempotencyKey, cancel_on_disconnect
from seedx_sdk.serve.dispatcher_engine import DispatcherEngine
from seedx_sdk.serve.pending_call import WireImage
from seedx_tools.adapters import http_edits
from seedx_tools.adapters.http_edits import PPTX, deck_folder, deck_response
from seedx_tools.catalog.make_slides import DeckArgs
from seedx_tools.decks.make import make_slides_async
from seedx_tools.decks.results import Deck
from seedx_tools.decks.theme.brand import Brand

__all__ = ["router"]

router = APIRouter(prefix="/v1/tools", tags=["tools"])
router.include_router(http_edits.router)


class WireBrand(Brand):
    """A brand whose logo, a data URI, is not decoded."""

    logo: WireImage | None = None  # type: ignore[assignment]

    def opened(self) -> Brand:
        """Return the brand with its logo decoded.

        Raises:
            ImageError: If it cannot be decoded.
        """
        logo = None if self.logo is None else open_image(self.logo, keep_alpha=True)
        return Brand(**{name: getattr(self, name) for name in self.model_fields_set} | {"logo": logo})


class DeckBody(DeckArgs):
    """The content and design of a deck that is asked for over HTTP."""

    brand: WireBrand | None = None


@router.post("/make_slides", response_class=Response, responses={200: {"content": {PPTX: {}}}})
async def make_slides_route(
    body: DeckBody, request: Request, dispatcher: CurrentDispatcher, caller: Caller, key: IdempotencyKey = None
) -> Response:
    """Return an editable .pptx with generated images. `X-SeedX-Warnings`, a JSON list, says what a slide lacks."""
    seedx = AsyncSeedX(engine=DispatcherEngine(dispatcher, caller))

    def brand() -> Brand | None:
        if body.brand is None or body.brand.logo is None:
            return body.brand
        width, height = image_size(body.brand.logo)
        dispatcher.budget.check_pixels([width * height], "brand.logo")
        return body.brand.opened()

    async def make() -> Response:
        async with dispatcher.beside(caller):  # its images are requests like all others
            return deck_response(*await _made(seedx, body, await to_thread.run_sync(brand)))

    answer = dispatcher.repeats.once(caller, key, lambda: f"make_slides{body.model_dump_json()}".encode(), make)
    return await cancel_on_disconnect(request, answer)


async def _made(seedx: AsyncSeedX, body: DeckBody, brand: Brand | None) -> tuple[bytes, Deck]:
    with deck_folder() as folder:
        path = folder / "slides.pptx"
        deck = await make_slides_async(
            seedx,
            body.prompt_or_outline,
            path=path,
            theme=body.theme,
            brand=brand,
            size=body.size,
            footer=body.footer,
            num_slides=body.num_slides,
            seed=body.seed,
            pictures=body.pictures,
        )
        return await to_thread.run_sync(path.read_bytes), deck
