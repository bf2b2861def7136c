"""`seedx mcp`: the tools as an MCP server, over stdio or HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import anyio
import typer
import uvicorn
from mcp.server.stdio import stdio_server

from seedx_sdk import SeedX
from seedx_sdk.cli.console import ModelOption, errors, open_client
from seedx_sdk.http.api_keys import read_keys
from seedx_tools.adapters.mcp import http_app, mcp_server
from seedx_tools.image_backends import FolderImages
from seedx_tools.toolbox import Toolbox

__all__ = ["mcp"]


def mcp(
    ctx: typer.Context,
    root: Annotated[
        list[Path] | None,
        typer.Option("--root", help="Folder that may be read and written (repeatable; default: the current one)."),
    ] = None,
    tool: Annotated[list[str] | None, typer.Option("--tool", help="Tool to offer (repeatable; default: all).")] = None,
    image_host: Annotated[
        list[str] | None, typer.Option(help="Host from which image URLs are fetched (repeatable).")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder that keeps images over restarts (default: in memory).")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="SeedX server to use (see seedx serve).")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="SEEDX_API_KEY", help="API key of that server.")] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP at /mcp instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, with --http.")] = 8001,
    model: ModelOption = None,
) -> None:
    """Serve the tools to clients of the Model Context Protocol, over stdio or HTTP.

    With --http, API keys are read from SEEDX_API_KEYS, separated by commas; all clients share the folders, and
    none reaches the images of another.
    """
    seedx = open_client(ctx, model) if base_url is None else SeedX(model, base_url=base_url, api_key=api_key)
    backend = None if images is None else FolderImages(images)
    server = mcp_server(
        Toolbox.of(seedx, tools=tool or None, roots=root or None, image_hosts=image_host or None, images=backend)
    )
    if http:
        app = http_app(server, host=host, keys=read_keys(host))
        errors().print(f"listening on http://{host}:{port}/mcp", markup=False)
        uvicorn.run(app, host=host, port=port, log_level="warning")
        return

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)
