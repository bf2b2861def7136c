"""Which image a conversation is at: replays its messages, so undo works after a restart, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from seedx_agents.assistant.image_memory import image_names
from seedx_agents.assistant.image_references import ORDINALS
from seedx_sdk.errors import ImageError
from seedx_tools.arguments import reference
from seedx_tools.image_store import SCHEME

MAKERS = ("generate", "edit", "try_on")
"""The tools whose image is what the conversation is about next; that of detect is a copy with boxes."""

WRITERS = ("make_slides", "tell_story", "save_image")
"""The tools that write files."""
NO_IMAGE = "there is no image yet: draw one or give one"


@dataclass(frozen=True, slots=True)
class _Scene:
    name: str
    turn: int
    given: bool
    """Whether the user gave it, so that there is nothing to undo."""


@dataclass(slots=True)
class SceneHistory:
    """The images of a conversation in the order in which it was at each of them."""

    images: list[str] = field(default_factory=list)
    """Each image once, in order."""
    given: tuple[str, ...] = ()
    """The images of the latest user message."""
    files: tuple[str, ...] = ()
    """The files that the request before it wrote."""
    last_call: tuple[str, dict[str, Any]] | None = None
    """The latest call that made an image, with its arguments."""
    _past: list[_Scene] = field(default_factory=list)
    _undone: list[_Scene] = field(default_factory=list)
    _sources: dict[str, str] = field(default_factory=dict)
    """Each edited image with the one that it was made from."""

    @classmethod
    def of(
        cls, messages: Sequence[BaseMessage], labels: Callable[[str], str], steps_back: Callable[[str], int]
    ) -> SceneHistory:
        """Return the history of these messages.

        Args:
            messages: All messages of a conversation.
            labels: Returns the image of a label; any other text as it is.
            steps_back: Returns how many changes a request takes back; negative for those that it restores.
        """
        history, turn, request = cls(), 0, ""
        calls: dict[str | None, dict[str, Any]] = {}
        written: list[str] = []
        for message in messages:
            names = image_names(message)
            if isinstance(message, HumanMessage):
                turn, request, history.given = turn + 1, text_of(message), tuple(names)
                history.files, written = tuple(written), []
                for name in names:
                    history._visit(_Scene(name, turn, given=True))
            elif isinstance(message, ToolMessage) and message.status == "success":
                args = calls.get(message.tool_call_id, {})
                if message.name in WRITERS and args.get("path"):
                    written.append(str(args["path"]))
                if message.name in MAKERS and names:
                    history.last_call = message.name, args
                    if source := _image_argument(args):
                        history._sources[names[-1]] = labels(source)
                    history._visit(_Scene(names[-1], turn, given=False))
            elif isinstance(message, AIMessage):
                calls |= {call["id"]: call["args"] for call in message.tool_calls}
                if names and (count := steps_back(request)):
                    history._step(count)
                elif names:
                    history._visit(_Scene(names[-1], turn, given=False))
        return history

    @property
    def current(self) -> str | None:
        """The image that the conversation is at."""
        return self._past[-1].name if self._past else None

    @property
    def previous(self) -> str | None:
        """The image before it that is another one."""
        return next((scene.name for scene in reversed(self._past) if scene.name != self.current), None)

    def after_undo(self, count: int) -> str | None:
        """Return the image before the last `count` changes (of one request each), or None if there are fewer."""
        return self._step(count)

    def after_redo(self, count: int) -> str | None:
        """Return the image after restoring the last `count` undone changes, or None if there are fewer."""
        return self._step(-count)

    def resolve(self, reference: str) -> list[str]:
        """Return the names of the images that a reference of image_references means.

        Raises:
            ImageError: If there are not so many images.
        """
        if not self.images and not reference.startswith(SCHEME):
            raise ImageError(NO_IMAGE)
        several = list(self.given) if len(self.given) > 1 else self.images
        if reference in ORDINALS:
            position = ORDINALS.index(reference)
            if position >= len(several):
                raise ImageError(f"there is no {reference} image; {_are(several)}")
            return [several[position]]
        if reference == "all":
            return several
        if reference == "both":
            pair = list(self.given) if len(self.given) > 1 else [self.previous, self.current]
            if None in pair:
                raise ImageError(f"there are no two images; {_are(several)}")
            return [name for name in pair if name is not None]
        if reference in ("current", "previous", "original"):
            name = self._original() if reference == "original" else getattr(self, reference)
            if name is None:
                raise ImageError(f"there is no {reference} image; {_are(several)}")
            return [name]
        return [reference]

    def _original(self) -> str | None:
        name = self.current
        while name in self._sources:
            name = self._sources[name]
        return name

    def _visit(self, scene: _Scene) -> None:
        if scene.name not in self.images:
            self.images.append(scene.name)
        self._undone.clear()
        self._past.append(scene)

    def _step(self, count: int) -> str | None:
        """Take back changes, or restore them if the count is negative; return the image then, None if not so many."""
        past, undone = [*self._past], [*self._undone]
        for _ in range(abs(count)):
            source, target = (past, undone) if count > 0 else (undone, past)
            if not source or source[-1].given:
                return None
            turn = source[-1].turn
            while source and source[-1].turn == turn and not source[-1].given:
                target.append(source.pop())
        if not past:
            return None
        self._past, self._undone = past, undone
        return past[-1].name


def text_of(message: BaseMessage) -> str:
    """Return the first text of a message: what the user wrote, or a tool's answer."""
    if isinstance(message.content, str):
        return message.content
    texts = (block["text"] for block in message.content if isinstance(block, dict) and block.get("type") == "text")
    return next(texts, "")


def _image_argument(args: dict[str, Any]) -> str:
    try:
        return reference(args.get("image") or args.get("person") or "")
    except ValueError:
        return ""


def _are(names: Sequence[str]) -> str:
    return f"the images are {', '.join(names)}"
