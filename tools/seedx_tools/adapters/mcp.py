"""The tools for clients of the Model Context Protocol: `seedx mcp`, or `mcp_server(seedx)` in a program.

A call answers with a short text, a small image, and the typed result as structured content with names in place of
images, all together less than 1 MiB. The image in full size is the resource whose URI is the name; results link to it.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

from pydantic import SecretStr

from seedx_sdk import SeedX
from seedx_sdk.errors import ImageError, needs_extra
from seedx_sdk.imaging import to_png
from seedx_sdk.serve.access.keyring import Keyring
from seedx_sdk.serve.access.limits import UNLIMITED
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.image_backends import ImageBackend
from seedx_tools.image_store import SCHEME
from seedx_tools.tool import Tool
from seedx_tools.toolbox import Toolbox

with needs_extra("mcp"):
    import mcp_types as types
    from mcp.server import Server
    from mcp.server.context import ServerRequestContext
    from mcp.shared.exceptions import MCPError
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.types import ASGIApp, Receive, Scope, Send

    from seedx_tools.adapters.mcp_answers import FOR_BOTH, about_image, base64_text, tool_answer

__all__ = ["http_app", "mcp_server"]

_PAGE = 1000
"""Resources in one answer."""
_INSTRUCTIONS = (
    f"Images have names such as {SCHEME}1. A tool that makes one says its name; give the name where a tool wants an "
    "image. Files can be read and written in the allowed folders only; relative paths start there."
)


def mcp_server(seedx: SeedX | Toolbox, *, images: ImageBackend | None = None) -> Server[Any]:
    """Return a server for the tools of a toolbox, or for all tools over a model.

    Progress is reported to clients that ask for it, and a cancelled call stops the model. An error of a tool is a
    result with is_error and a text for the model.

    Over stdio all calls are one thread. Over HTTP each session, or each key where the protocol has no sessions, has its
    own images; their names are unguessable. A conversation may outlive this process, so in memory new names are random.

    Args:
        seedx: The model that does the work, or a toolbox.
        images: Where images lie, such as a FolderImages; None: the toolbox's, or in memory.

    Raises:
        InputError: If a toolbox is given together with images.
    """
    shared = Toolbox.of(seedx, images=images)

    async def list_tools(_ctx: ServerRequestContext[Any], _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_mcp_tool(tool) for tool in shared.tools.values()])

    async def call_tool(ctx: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        toolbox = _of_client(shared, ctx.request)
        try:
            outcome = await toolbox.arun(
                params.name, params.arguments or {}, on_progress=lambda *step: ctx.session.report_progress(*step)
            )
        except (ToolRetry, ToolFailed) as error:
            return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)
        return tool_answer(outcome)

    async def list_images(
        ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        names = list(shared.images) if ctx.request is None else []  # users may share a key; names are secret then
        page, following = _page(names, None if params is None else params.cursor)
        return types.ListResourcesResult(
            resources=[types.Resource(**about_image(name)) for name in page],
            next_cursor=following,
        )

    async def list_templates(_ctx: ServerRequestContext[Any], _params: object) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            name="image",
            title="Image",
            uri_template=f"{SCHEME}{{name}}",
            description="An image by its name.",
            mime_type="image/png",
            annotations=FOR_BOTH,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_image(
        ctx: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        try:
            png = to_png(_of_client(shared, ctx.request).images[params.uri])
        except ImageError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from error
        contents = types.BlobResourceContents(uri=params.uri, mime_type="image/png", blob=base64_text(png))
        return types.ReadResourceResult(contents=[contents])

    return Server(
        "seedx",
        version=version("seedx-sdk"),
        title="SeedX",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_images,
        on_list_resource_templates=list_templates,
        on_read_resource=read_image,
    )


def http_app(server: Server[Any], *, host: str, keys: tuple[SecretStr, ...] = ()) -> ASGIApp:
    """Return the streamable HTTP application of a server, at /mcp.

    Args:
        server: From mcp_server.
        host: Where it will listen; on a loopback address, requests with other host names are rejected.
        keys: A request must carry one of them as `Authorization: Bearer KEY`; empty admits everybody.
    """
    app: ASGIApp = server.streamable_http_app(host=host)
    return _KeyCheck(app, keys) if keys else app


class _KeyCheck:
    """ASGI middleware that answers 401 to a request without a valid key."""

    def __init__(self, app: ASGIApp, keys: tuple[SecretStr, ...]) -> None:
        self._app, self._keyring = app, Keyring(keys, None, UNLIMITED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or reject it."""
        if scope["type"] == "http":
            header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            if self._keyring.find(header) is None:
                message = "this server needs an API key: Authorization: Bearer KEY\n"
                return await PlainTextResponse(message, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        await self._app(scope, receive, send)


def _of_client(shared: Toolbox, request: Request | None) -> Toolbox:
    """Return the tools over the images of the client that sends a request; None: over stdio, or in this process."""
    if request is None:
        return shared.unseen()
    key, session = request.headers.get("authorization", ""), request.headers.get("mcp-session-id", "")
    thread = hashlib.sha256(f"{key}\n{session}".encode()).hexdigest() if key or session else None
    return shared.over(shared.images.in_thread(thread, secret=True))


def _page(names: list[str], cursor: str | None) -> tuple[list[str], str | None]:
    """Return the names that a cursor points at, the number of the first one, and the cursor of those that follow."""
    if cursor is not None and not cursor.isdecimal():
        raise MCPError(types.INVALID_PARAMS, f"there is no page {cursor[:80]!r} of resources; start without a cursor")
    start = int(cursor or 0)
    end = start + _PAGE
    return names[start:end], str(end) if end < len(names) else None


def _mcp_tool(tool: Tool[Any, Any]) -> types.Tool:
    schema = tool.schema()
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema["parameters"],
        output_schema=_names_for_images(schema["returns"]),
        annotations=types.ToolAnnotations(
            title=tool.title, read_only_hint=tool.read_only, destructive_hint=tool.saves, open_world_hint=False
        ),
    )


def _names_for_images(schema: Any) -> Any:
    """Return the JSON schema of a result with names in place of images."""
    if isinstance(schema, dict):
        if schema.get("format") == "data-uri":
            return {"type": "string", "pattern": f"^{SCHEME}", "description": "the name of an image"}
        return {key: _names_for_images(value) for key, value in schema.items()}
    return [_names_for_images(value) for value in schema] if isinstance(schema, list) else schema
