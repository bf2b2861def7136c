"""The settings of a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from seedx_sdk.serve.network.host_names import checked_host, checked_origin
from seedx_sdk.serve.network.proxies import checked_proxy, checked_root_path

__all__ = ["ServerSettings"]


class ServerSettings(BaseModel):
    """Limits and keys of a server. The defaults suit a machine that only its own users reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_keys: tuple[SecretStr, ...] = ()
    """Valid keys, one of which a request sends as `Authorization: Bearer KEY`; empty means no authentication."""
    api_keys_file: Path | None = None
    """A file with further keys, their names and limits, which may change while the server runs."""
    keys_everywhere: bool = False
    """Whether `/metrics` and the OpenAPI document need a key too."""
    served_model_names: tuple[str, ...] = ()
    """Further names of the model on the OpenAI-compatible routes."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Rate limit per API key, or per client IP without keys; a request counts as often as it draws images."""
    steps_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Denoising steps per API key, or per client IP, of images at the model's own size; larger ones count more."""
    max_replies: Annotated[int, Field(ge=1)] = 64
    """Replies in flight; others wait, and those who share the server take turns."""
    max_waiting: Annotated[int, Field(ge=0)] = 64
    """Replies that wait; a further one is rejected with 503 and Retry-After."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 48 << 20
    """Largest request body."""
    upload_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Time limit for receiving the body of a request; a slower one is rejected with 408."""
    max_images: Annotated[int, Field(ge=1)] = 16
    """Images in one request."""
    max_pixels: Annotated[int, Field(ge=1)] = 80_000_000
    """Pixels of all images in one request; all replies together have room for four times as many."""
    max_steps: Annotated[int, Field(ge=1)] = 4000
    """Denoising steps of all images of one request, at the model's own size; larger images count more."""
    max_prompt_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens of a prompt, its images included; None: as many as the model reads."""
    image_hosts: tuple[str, ...] = ()
    """Hosts, or patterns such as "*.example.org", from which images given by URL are fetched; empty means none. One
    with a port, such as "example.org:8443", is for that port, others for 80 and 443."""
    cors_origins: tuple[Annotated[str, AfterValidator(checked_origin)], ...] = ()
    """Origins, such as "https://app.example", whose pages may call the server from a browser; "*" is any."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(checked_host)], ...] = ()
    """Host names under which a server without keys is reached, beside those of this machine."""
    trusted_proxies: tuple[Annotated[str, AfterValidator(checked_proxy)], ...] = ()
    """Addresses and networks of reverse proxies whose `X-Forwarded-For` is taken for the client's address; "unix" is
    what connects to a Unix socket."""
    root_path: Annotated[str, AfterValidator(checked_root_path)] = ""
    """Path under which a reverse proxy serves the server, such as "/seedx"."""
    reply_seconds: Annotated[float, Field(gt=0)] = 600.0
    """A reply that takes longer is stopped with 504."""
    remembered_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    """Memory for finished replies, which are replayed for a repeated Idempotency-Key; and as much again for decks."""
    remembered_seconds: Annotated[float, Field(gt=0)] = 600.0
    """How long finished replies are kept."""
