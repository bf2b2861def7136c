"""What a server allows, as one value."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["ServerSettings"]


class ServerSettings(BaseModel):
    """Limits and keys of a server. The defaults are for a machine that only its own users reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_keys: tuple[SecretStr, ...] = ()
    """A request must bring one of them as `Authorization: Bearer KEY`; without any, everybody may ask."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """For each key, or for each address where there are no keys."""
    max_replies: Annotated[int, Field(ge=1)] = 64
    """Dispatcher under way; one more is refused with 503 and Retry-After."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 48 << 20
    """Largest request."""
    max_pictures: Annotated[int, Field(ge=1)] = 16
    """Pictures in one request."""
    image_hosts: tuple[str, ...] = ()
    """Hosts, or patterns such as "*.example.org", from which pictures given by URL are fetched; without any, none."""
    reply_seconds: Annotated[float, Field(gt=0)] = 600.0
    """A reply that takes longer is stopped, and answered with 504."""
    remembered_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    """Memory for finished replies that a repeated Idempotency-Key gets again."""
    remembered_seconds: Annotated[float, Field(gt=0)] = 600.0
    """How long they are kept."""
