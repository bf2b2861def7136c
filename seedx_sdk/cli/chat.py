"""A conversation on the terminal: the command `seedx chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import typer

from seedx_sdk.cli.console import errors, print_json, print_warnings
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
    directory: Path,
    width: int | None,
    height: int | None,
    seed: int,
    json: bool,
) -> None:
    """Answer each line in turn, save generated images in `directory`, and print their paths.

    Raises:
        SeedXError: If a turn failed. At a terminal, wrong input is reported and the conversation goes on.
    """
    history: tuple[Message, ...] = ()
    waiting = [ImagePart(image=open_image(image, on_warning=_warn)) for image in images]
    interactive = not isinstance(lines, list) and sys.stdin.isatty()
    if interactive:
        errors().print("Type a message; '/image FILE' adds an image, '/quit' ends.", style="dim")
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
            history = (*history, question, _turn(seedx, (*history, question), directory, width, height, seed, json))
            waiting = []
        except InputError as error:
            if not interactive:
                raise
            errors().print(f"error: {error}", style="red", markup=False)


def _turn(
    seedx: SeedX,
    messages: tuple[Message, ...],
    directory: Path,
    width: int | None,
    height: int | None,
    seed: int,
    json: bool,
) -> Message:
    paths: list[Path] = []
    for event in seedx.chat_stream(messages, width=width, height=height, seed=seed):
        if isinstance(event, ImageDone):
            paths.append(save_image(event.image, _unused_path(directory)))
        if not json:
            _show(event, paths)
        if isinstance(event, ReplyDone):
            print_warnings(event.reply.warnings)
            if json:
                print_json(event.reply, zip(event.reply.message.images, paths, strict=True))
            return event.reply.message
    raise AssertionError("a stream ends with ReplyDone or raises")


def _show(event: StreamEvent, paths: list[Path]) -> None:
    if isinstance(event, TextDelta):
        typer.echo(event.text, nl=False)
    elif isinstance(event, BoxFound):
        typer.echo(" [{}: {} {} {} {}] ".format(event.box.label, *event.box.pixels), nl=False)
    elif isinstance(event, ImageDone):
        typer.echo(f" [{paths[-1]}] ", nl=False)
    elif isinstance(event, ReplyDone):
        typer.echo("")


def _unused_path(directory: Path) -> Path:
    number = 1
    while (path := directory / f"chat-{number}.png").exists():
        number += 1
    return path


def _warn(text: str) -> None:
    print_warnings((text,))
