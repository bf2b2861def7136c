"""The options that bound what requests and callers may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["LimitArguments"]

_DEFAULTS = ServerSettings()


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitArguments:
    """What requests and callers may use."""

    TITLE: ClassVar = "Limits"

    max_replies: Annotated[
        int, typer.Option(min=1, metavar="N", help="Replies in flight; further ones wait, and callers take turns.")
    ] = _DEFAULTS.max_replies
    max_waiting: Annotated[
        int, typer.Option(min=0, metavar="N", help="Replies that wait; further ones are rejected with 503.")
    ] = _DEFAULTS.max_waiting
    max_pixels: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pixels of all images in one request, also of those given by URL.")
    ] = _DEFAULTS.max_pixels
    max_steps_per_request: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Denoising steps of all images of a request, at the model's own size."),
    ] = _DEFAULTS.max_steps
    max_prompt_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Tokens of a prompt, its images included (default: what the model reads)."
        ),
    ] = None
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Requests per minute and API key, or client IP; each image counts as one."
        ),
    ] = None
    steps_per_minute: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Denoising steps per minute and API key, or client IP, counted at the model's own image size.",
        ),
    ] = None
    reply_seconds: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Time limit of a reply, after which it ends with 504.")
    ] = _DEFAULTS.reply_seconds
    step_seconds: Annotated[
        float,
        typer.Option(
            min=1, metavar="SECONDS", help="Watchdog timeout for one engine step, after which the engine is restarted."
        ),
    ] = ServiceLimits().step_seconds
