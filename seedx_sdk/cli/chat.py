"""A conversation on the terminal: the command `seedx chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import typer

from seedx_sdk.cli.console import errors, print_warnings
from seedx_sdk.client import SeedX
from seedx_sdk.errors import InputError, PromptError
from seedx_sdk.imaging import open_image, save_image
from seedx_sdk.types import BoxFound, ImageDone, ImagePart, Message, ReplyDone, StreamEvent, TextDelta, TextPart

__all__ = ["converse"]


def converse(
    seedx: SeedX,
    lines: Iterable[str],
    images: list[str],
    *,
    folder: Path,
    width: int | None,
    height: int | None,
    seed: int,
    json: bool,
) -> None:
    """Answer each line in turn; pictures that are drawn are saved in `folder`, and their paths printed.

    Raises:
        SeedXError: a turn failed. At a terminal, wrong input is reported and the conversation goes on.
    """
    history: tuple[Message, ...] = ()
    waiting = [ImagePart(image=open_image(image, on_warning=_warn)) for image in images]
    interactive = not isinstance(lines, list) and sys.stdin.isatty()
    if interactive:
        errors().print("Say something; '/image FILE' shows a picture, '/quit' ends.", style="dim")
    for line in lines:
        text = line.strip()
        try:
            if text == "/quit":
                return
            if text.startswith("/image "):
                waiting.append(ImagePart(image=open_image(text.removeprefix("/image ").strip(), on_warning=_warn)))
                continue
            if text.startswith("/"):
                raise PromptError(f"there is no command {text.split()[0]!r}; use '/image FILE' or '/quit'")
            if not text and not isinstance(lines, list):
                continue
            question = Message(role="user", content=(*waiting, TextPart(text=text)))
            history = (*history, question, _turn(seedx, (*history, question), folder, width, height, seed, json))
            waiting = []
        except InputError as error:
            if not interactive:
                raise
            errors().print(f"error: {error}", style="red", markup=False)


def _turn(
    seedx: SeedX,
    messages: tuple[Message, ...],
    folder: Path,
    width: int | None,
    height: int | None,
    seed: int,
    json: bool,
) -> Message:
    for event in seedx.chat_stream(messages, width=width, height=height, seed=seed):
        if isinstance(event, ReplyDone):
            print_warnings(event.reply.warnings)
            typer.echo(event.reply.model_dump_json() if json else "")
            return event.reply.message
        if not json:
            _show(event, folder)
    raise AssertionError("a stream ends with ReplyDone or raises")


def _show(event: StreamEvent, folder: Path) -> None:
    if isinstance(event, TextDelta):
        typer.echo(event.text, nl=False)
    elif isinstance(event, BoxFound):
        typer.echo(" [{}: {} {} {} {}] ".format(event.box.label, *event.box.pixels), nl=False)
    elif isinstance(event, ImageDone):
        number = 1
        while (path := folder / f"chat-{number}.png").exists():
            number += 1
        typer.echo(f" [{save_image(event.image, path)}] ", nl=False)


def _warn(text: str) -> None:
    print_warnings((text,))
