"""The command-line options that say how a server is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["RootPathOption", "TrustedProxyOption", "UnixSocketOption"]

TrustedProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address or network of a reverse proxy whose X-Forwarded-For names the client (repeatable); 'unix' is one "
        "that connects to --uds.",
    ),
]
RootPathOption = Annotated[
    str, typer.Option(metavar="PATH", help="Path under which a reverse proxy serves this server: /seedx.")
]
UnixSocketOption = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Unix socket to listen on, instead of a host and port.")
]
