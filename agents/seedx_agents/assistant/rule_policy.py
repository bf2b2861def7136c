"""The policy of an assistant without a chat model: rules choose the tools by the words of the request.

They read English (request_rules), know which image the conversation is at (scene_history), and make nothing up. A
SEED-X model with an open vocabulary answers what no rule matches; the picture-book model cannot, and the answer says
what it can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from PIL import Image

from seedx_agents.assistant.image_memory import ImageMemory, image_names, named_block
from seedx_agents.assistant.policy import OnText
from seedx_agents.assistant.request_rules import Action, read_request
from seedx_agents.assistant.scene_history import MAKERS, NO_IMAGE, SceneHistory, text_of
from seedx_sdk import Message, SeedX
from seedx_sdk.errors import ImageError
from seedx_tools.illustration.prompts import PICTURE_BOOK, find_place, find_things

CAN_DO = (
    "I can draw ('draw a red house in a meadow'), look at an image ('what color is the house?'), find things in it "
    "('find the red house'), edit it ('make the house blue and remove the tree'), compare two images ('what is "
    "different?'), go back ('undo that', 'use image:1 again'), try again ('another one'), save an image ('save it as "
    "house.png'), make slides ('5 slides about boats') and tell a story ('tell a story about a red cat')"
)
"""The answer to what no rule matches."""
_RESULT = "the result of the call before"
"""Stands in a planned call for the image that the call before it makes."""


@dataclass(slots=True)
class _Plan:
    """What a request needs: tool calls, what to say after them, and the image to go on with if there is no call."""

    written: Sequence[str]
    """The files that its calls wrote already."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    image: str | None = None
    compared: list[str] = field(default_factory=list)
    """The images that the last calls describe, to be put side by side."""


class RulePolicy:
    """Rules over the tools.

    Args:
        seedx: Answers what no rule matches, if it has an open vocabulary.
        tools: Names of the available tools.
        memory: The images that a request may mean.
        seed: Seed of an answer that SEED-X itself gives, and the first one of an image that is tried again.
    """

    name = "rule-based"

    def __init__(self, seedx: SeedX, tools: Sequence[str], *, memory: ImageMemory, seed: int) -> None:
        self._seedx, self._tools, self._memory, self._seed = seedx, set(tools), memory, seed
        self.warnings: tuple[str, ...] = (
            f"decided by rules over the words of the request: {seedx.info.name} cannot call tools; "
            "pass a chat_model for plans of several steps",
        )

    def decide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return the next call that the request needs, or the answer to it.

        Args:
            messages: The whole conversation, so that what a request goes back to is known.
            on_text: Called with the answer.
        """
        start = max(number for number, message in enumerate(messages) if isinstance(message, HumanMessage))
        done = [message for message in messages[start:] if isinstance(message, ToolMessage)]
        actions = read_request(text_of(messages[start]), self._memory.called)
        if not done and not self._seedx.info.is_picture_book and [action.kind for action in actions] == ["unknown"]:
            answer = self._answer(messages)
            on_text(answer.text)
            return answer
        plan = self._plan(actions, messages[: start + 1], written=_paths(messages[start:]))
        failed = bool(done) and done[-1].status == "error"
        if not failed and len(done) < len(plan.calls):
            name, args = plan.calls[len(done)]
            call_id = f"rule-{len(messages)}"
            call = ToolCall(type="tool_call", id=call_id, name=name, args=_filled(args, _made(done)))
            return AIMessage("", tool_calls=[call])
        text = "\n".join([*self._told(plan, done), *plan.notes])
        on_text(text)
        if plan.image is None or failed:
            return AIMessage(text)
        return AIMessage([{"type": "text", "text": text}, named_block(plan.image)])

    def _told(self, plan: _Plan, done: Sequence[ToolMessage]) -> list[str]:
        """Return what the tools answered; descriptions to compare with the names of their images and what differs."""
        texts = [text_of(message) for message in done]
        if not plan.compared or len(done) < len(plan.calls) or len(plan.calls) < len(plan.compared):
            return texts
        seen = texts[-len(plan.compared) :]
        names = _filled({"images": plan.compared}, _made(done))["images"]
        told = [f"{name}: {text}" for name, text in zip(names, seen, strict=True)]
        contents: list[set[str]] = [
            {*find_things(text, PICTURE_BOOK), find_place(text, PICTURE_BOOK) or ""} for text in seen
        ]
        shared = contents[0].intersection(*contents[1:])
        for name, content in zip(names, contents, strict=True):
            if only := sorted(filter(None, content - shared)):
                told.append(f"Only {name} shows: {', '.join(only)}.")
        if all(content == contents[0] for content in contents):
            told.append("The descriptions name the same things; the images may differ in what they do not name.")
        return [*texts[: -len(plan.compared)], *told]

    def _plan(self, actions: Sequence[Action], messages: Sequence[BaseMessage], *, written: Sequence[str]) -> _Plan:
        """Return the plan of a request, the same one whichever of its calls are done, which wrote these files."""
        labels = self._memory.called
        history = SceneHistory.of(messages, lambda name: labels.get(name, name), self._steps_back)
        plan, current = _Plan(written=written), history.current
        for action in actions:
            try:
                images = [name for reference in action.images for name in history.resolve(self._name(reference))]
                current = self._add(plan, action, images, current, history)
            except ImageError as error:
                plan.notes.append(f"{str(error)[:1].upper()}{str(error)[1:]}.")
                break
        return plan

    def _add(
        self, plan: _Plan, action: Action, images: list[str], current: str | None, history: SceneHistory
    ) -> str | None:
        """Add an action to a plan and return the image that the conversation is at after it."""
        if action.kind == "unknown" and not action.text and history.given:
            action = Action("look")
        if action.kind == "draw":
            for number in range(action.count):
                args: dict[str, Any] = {"prompt": action.text}
                if images:
                    args["images"] = images
                if number:
                    args["seed"] = self._seed + number
                self._call(plan, "generate", args)
            return _RESULT
        if action.kind in ("deck", "story"):
            self._document(plan, action)
        elif action.kind == "again":
            return self._again(plan, history) or current
        elif action.kind in ("use", "undo", "redo"):
            plan.image = self._back(plan, action, images, current, history)
            return plan.image or current
        elif action.kind == "help":
            plan.notes.append(f"{CAN_DO}.")
        elif action.kind == "unknown":
            plan.notes.append(self._unknown(repr(action.text) if plan.calls or plan.notes else "this request"))
        else:
            chosen = images or ([*history.given] if len(history.given) > 1 and action.kind == "look" else [])
            chosen = chosen or ([current] if current is not None else [])
            if not chosen:
                raise ImageError(NO_IMAGE)
            return self._on_images(plan, action, chosen, current, history)
        return current

    def _on_images(
        self, plan: _Plan, action: Action, images: list[str], current: str | None, history: SceneHistory
    ) -> str | None:
        """Add an action that looks at images, changes or saves them."""
        if action.kind == "look":
            self._call(plan, "describe", {"images": images} | ({"question": action.text} if action.text else {}))
        elif action.kind == "compare":
            self._compare(plan, action, images, current, history)
        elif action.kind == "find":
            for name in images:
                self._call(plan, "detect", {"image": name, "phrase": action.text})
        elif action.kind == "save":
            for name, path in zip(images, self._image_paths(plan, action.files, len(images)), strict=True):
                self._call(plan, "save_image", {"image": name, "path": path})
        elif action.kind == "edit":
            for name in images:
                self._call(plan, "edit", {"image": name, "instruction": action.text})
            plan.image = None
            return _RESULT
        return current

    def _call(self, plan: _Plan, tool: str, args: dict[str, Any]) -> None:
        if tool in self._tools:
            plan.calls.append((tool, args))
        else:
            plan.notes.append(f"This needs the tool {tool}, which this assistant does not have.")

    def _compare(
        self, plan: _Plan, action: Action, images: list[str], current: str | None, history: SceneHistory
    ) -> None:
        if not action.images and len(history.given) > 1:
            images = [*history.given]
        if len(images) < 2:
            others = [name for name in (current, history.current, history.previous) if name and name not in images]
            order = [*history.images, _RESULT]
            images = sorted([*images, *others[:1]], key=order.index)
        if len(images) < 2:
            raise ImageError(f"there is only {images[0]} to look at; draw or give another one")
        if not self._seedx.info.is_picture_book:
            self._call(plan, "describe", {"images": images, "question": action.text})
            return
        for name in images:  # the picture-book model looks at one image at a time
            self._call(plan, "describe", {"images": [name]})
        plan.compared = images

    def _back(
        self, plan: _Plan, action: Action, images: list[str], current: str | None, history: SceneHistory
    ) -> str | None:
        """Return the image that an action goes back to, and say so; None if there is none."""
        if action.kind == "use":
            if images[0] not in self._memory.images:
                self._memory.images[images[0]]  # raises what there is to say
            plan.notes.append(f"Back at {images[0]}.")
            return images[0]
        if action.kind == "undo" and current == _RESULT and history.current is not None:  # made by this request
            plan.notes.append(f"Undone: back at {history.current}.")
            return history.current
        name = (history.after_undo if action.kind == "undo" else history.after_redo)(action.count)
        if name is not None:
            plan.notes.append(f"{'Undone' if action.kind == 'undo' else 'Redone'}: back at {name}.")
        elif history.current is None:
            plan.notes.append("There is nothing to undo: no image was made yet.")
        elif action.kind == "redo":
            plan.notes.append(f"There is nothing to redo; the conversation is at {history.current}.")
        else:
            few = f"are not {action.count} changes" if action.count > 1 else "is no change"
            plan.notes.append(f"There {few} to undo; the conversation is at {history.current}.")
        if action.kind == "undo":
            plan.notes += [f"Files are not undone: {path} stays." for path in history.files]
        return name

    def _again(self, plan: _Plan, history: SceneHistory) -> str | None:
        """Repeat the last call that made an image, with the next seed."""
        if history.last_call is None:
            raise ImageError("there is nothing to try again: no image was made yet")
        tool, args = history.last_call
        self._call(plan, tool, {**args, "seed": int(args.get("seed") or self._seed) + 1})
        return _RESULT

    def _document(self, plan: _Plan, action: Action) -> None:
        if action.kind == "deck":
            path = action.files[0] if action.files else self._free(plan, "deck.pptx")
            self._call(plan, "make_slides", {"prompt_or_outline": action.text, "path": path})
            return
        path = action.files[0] if action.files else self._free(plan, "story.html")
        pages = {} if action.pages is None else {"pages": action.pages}
        self._call(plan, "tell_story", {"prompt": action.text, "path": path, **pages})

    def _unknown(self, clause: str) -> str:
        needs = "" if len(self._memory.images) else f"; {NO_IMAGE}"
        return f"No rule matches {clause}. {CAN_DO}{needs}."

    def _image_paths(self, plan: _Plan, files: Sequence[str], count: int) -> list[str]:
        """Return a file for each image: those that were named, then free names of the same kind."""
        suffix = next((Path(file).suffix or file for file in files), ".png")
        paths = [file for file in files if not file.startswith(".")][:count]
        while len(paths) < count:
            paths.append(self._free(plan, f"image{suffix}", paths))
        return paths

    def _free(self, plan: _Plan, default: str, taken: Sequence[str] = ()) -> str:
        """Return the name of a file that does not exist yet, or that a call of the plan wrote under it."""
        folder = self._memory.roots[0] if self._memory.roots else Path()
        stem, suffix = Path(default).stem, Path(default).suffix
        exist = {*taken, *({path.name for path in folder.glob(f"{stem}*{suffix}")} - {*plan.written})}
        numbered = (f"{stem}-{number}{suffix}" for number in range(2, len(exist) + 3))
        return next(name for name in (default, *numbered) if name not in exist)

    def _steps_back(self, request: str) -> int:
        """Return how many changes a request takes back; negative for those that it restores."""
        actions = read_request(request, self._memory.called)
        steps = {"undo": 1, "redo": -1}
        return sum(steps.get(action.kind, 0) * action.count for action in actions[-1:])

    def _name(self, reference: str) -> str:
        return self._memory.called.get(reference, reference)

    def _answer(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """Return the answer of SEED-X itself."""
        dialogue = [message for message in messages if _is_dialogue(message)]
        reply = self._seedx.chat([self._message(message) for message in dialogue], seed=self._seed)
        content: list[str | dict[Any, Any]] = [{"type": "text", "text": reply.message.text}]
        content += [named_block(self._memory.images.add(image)) for image in reply.message.images]
        return AIMessage(content)

    def _message(self, message: BaseMessage) -> Message:
        parts: list[str | Image.Image] = [self._memory.images[name] for name in image_names(message)]
        if text := text_of(message):
            parts.append(text)
        return Message.user(*parts) if isinstance(message, HumanMessage) else Message.assistant(*parts)


def _paths(messages: Sequence[BaseMessage]) -> list[str]:
    """Return the files that the calls in these messages wrote."""
    calls = [call["args"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return [str(args["path"]) for args in calls if "path" in args]


def _made(done: Sequence[ToolMessage]) -> list[str]:
    """Return the names of the images that the calls of this turn made."""
    return [names[-1] for message in done if message.name in MAKERS and (names := image_names(message))]


def _filled(args: dict[str, Any], made: Sequence[str]) -> dict[str, Any]:
    """Return arguments with the latest image of the turn in place of _RESULT."""
    latest = made[-1] if made else _RESULT

    def filled(value: Any) -> Any:
        return [filled(part) for part in value] if isinstance(value, list) else latest if value == _RESULT else value

    return {name: filled(value) for name, value in args.items()}


def _is_dialogue(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) or (isinstance(message, AIMessage) and not message.tool_calls)
