"""A server on which several users chat about their images: python examples/many_users.py [FOLDER].

    curl -N -H "Authorization: Bearer alice-key" -F text="make the house blue" -F files=@house.png \
        http://127.0.0.1:8000/chats/first

One client, one toolkit and one agent serve all; each chat of each user is a thread. Conversations and images lie in
the folder, so they outlive the server. Several workers may serve one folder; put PostgresSaver in place of
AsyncSqliteSaver then, and send a chat to one worker at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import uvicorn
from fastapi import Depends, FastAPI, File, Form, Header, HTTPException, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from offline_chat_model import OfflineChatModel

from seedx_sdk import SeedX
from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import to_png
from seedx_tools import FolderImages
from seedx_tools.adapters.langchain import seedx_toolkit

KEYS = {"alice-key": "alice", "bob-key": "bob"}


def thread_of(request: Request, chat: str, authorization: Annotated[str, Header()] = "") -> str:
    """Return the thread of a chat; its id has the user in it, so no request reaches a chat of another."""
    user = request.app.state.keys.get(authorization.removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401, "give a key: Authorization: Bearer ...")
    return json.dumps([user, chat])


Thread: TypeAlias = Annotated[str, Depends(thread_of)]


def create_app(seedx: SeedX, chat_model: BaseChatModel, *, folder: Path, keys: Mapping[str, str] = KEYS) -> FastAPI:
    """Return the server.

    Args:
        seedx: The client; it is used from many threads at once.
        chat_model: Decides which tools to call.
        folder: Where conversations and images lie.
        keys: The users by their keys.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = FolderImages(folder / "images")
    kit = seedx_toolkit(seedx, tools=["describe", "detect", "generate", "edit"], roots=[], images=images)
    middleware = kit.get_middleware()
    locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "conversations.db")) as saver:
            app.state.agent = create_agent(chat_model, kit.get_tools(), middleware=[middleware], checkpointer=saver)
            yield

    app = FastAPI(lifespan=lifespan)
    app.state.keys = keys

    @app.post("/chats/{chat}")
    async def say(
        thread: Thread, text: Annotated[str, Form()], files: Annotated[list[UploadFile] | None, File()] = None
    ) -> StreamingResponse:
        """Stream the answer as lines of JSON: the progress of tools, their results, the reply."""
        try:
            uploads = [(file.filename or "", await file.read()) for file in files or ()]
            message = await run_in_threadpool(middleware.attach, text, uploads, thread=thread)
        except ImageError as error:
            raise HTTPException(422, str(error)) from error
        return StreamingResponse(answer(thread, message), media_type="application/x-ndjson")

    async def answer(thread: str, message: HumanMessage) -> AsyncIterator[str]:
        config = {"configurable": {"thread_id": thread}}
        given = {"messages": [message]}
        async with locks[thread]:  # messages of one chat wait for each other
            async for kind, data in app.state.agent.astream(given, config, stream_mode=["custom", "updates"]):
                if kind == "custom":
                    yield json.dumps({"progress": data}) + "\n"
                    continue
                for said in (said for update in data.values() for said in (update or {}).get("messages", [])):
                    if said.text:
                        yield json.dumps({said.type: said.text}) + "\n"

    @app.get("/chats/{chat}/images/{name}")
    def image(thread: Thread, name: str) -> Response:
        """Return an image of the chat as PNG."""
        try:
            return Response(to_png(kit.images_of(thread)[name]), media_type="image/png")
        except ImageError as error:
            raise HTTPException(404, str(error)) from error

    @app.delete("/chats/{chat}", status_code=204)
    async def forget(thread: Thread) -> None:
        """Delete a chat with its images."""
        async with locks[thread]:
            await app.state.agent.checkpointer.adelete_thread(thread)
            await run_in_threadpool(images.delete, thread)

    return app


if __name__ == "__main__":
    home = Path(sys.argv[1] if len(sys.argv) > 1 else "many_users")
    uvicorn.run(create_app(SeedX(), OfflineChatModel(), folder=home), port=int(os.environ.get("PORT", "8000")))
