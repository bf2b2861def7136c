"""`/v1/usage`: what the caller may use, and what is left of it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from seedx_sdk.serve.access.limits import Limits
from seedx_sdk.serve.access.rates import Usage
from seedx_sdk.serve.dependencies import Caller

__all__ = ["USAGE_PATH", "router"]

router = APIRouter(tags=["usage"])
USAGE_PATH = "/v1/usage"


class OwnUsage(BaseModel):
    """Who asks, and what it may still use."""

    name: str
    """Name of the key; without one, the address."""
    limits: Limits
    """null is no limit."""
    usage: dict[str, Usage]
    """Usage of each limit per minute or day, by its name."""


@router.get(USAGE_PATH)
async def usage(caller: Caller) -> OwnUsage:
    """Return the limits of the caller and what is left of them; asking costs nothing."""
    return OwnUsage(name=caller.name, limits=caller.limits, usage=caller.usage)
