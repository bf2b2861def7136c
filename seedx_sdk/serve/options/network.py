"""The options that say how a server is reached, and what it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

__all__ = ["HostOption", "NetworkArguments"]

HostOption = Annotated[str, typer.Option(metavar="HOST", help="Address to listen on; 0.0.0.0 is all interfaces.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkArguments:
    """Who reaches a server, and what it reaches."""

    TITLE: ClassVar = "Network"

    image_host: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST[:PORT]", help="Host from which images given by URL may be fetched (repeatable)."),
    ] = None
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Origin whose web pages may call the server: https://app.example; '*' is any (repeatable).",
        ),
    ] = None
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Host name under which a server without API keys is reached (repeatable)."),
    ] = None
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address or network of a reverse proxy whose X-Forwarded-For names the client (repeatable); 'unix' is "
            "one that connects to --uds.",
        ),
    ] = None
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="Path under which a reverse proxy serves this server: /seedx.")
    ] = ""
