"""The policy of an assistant without a chat model: rules choose the tool by the first words of the request.

They understand one request at a time and say so; nothing is made up. A SEED-X model with an open vocabulary answers
what no rule matches; the picture-book model cannot, and the answer says what it can do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from PIL import Image

from seedx_agents.assistant.image_memory import ImageMemory, image_names, named_block
from seedx_agents.assistant.policy import OnText
from seedx_sdk import Message, SeedX
from seedx_tools.image_store import SCHEME

_POLITE = re.compile(
    r"^\W*(?:(?:please|now|then|next|and|ok|okay|hi|hello|can you|could you|would you|i want you to)\b[\s,]*)*", re.I
)
_DECK = re.compile(r"\b(slides?|slide deck|deck|presentation|powerpoint|pptx)\b", re.I)
_STORY = re.compile(r"\b(story|tale)\b", re.I)
_FIND = re.compile(r"^(?:find|detect|locate|mark|point (?:at|to)|where (?:is|are)|where's)\s+(.+)", re.I | re.S)
_EDIT = re.compile(r"^(make|turn|paint|colou?r|recolou?r|change|remove|delete|erase|add|put|replace|swap|move)\b", re.I)
_DRAW = re.compile(
    r"^(?:draw|paint|sketch|generate|create|imagine|show me|make (?=an? (?:picture|image|drawing)))\s*(?:me\s+)?"
    r"(?:an? (?:picture|image|drawing) of\s+)?(.+)",
    re.I | re.S,
)
_LOOK = re.compile(
    r"^(describe|caption|look|what(?:'s| is) (?:this|that|in (?:it|this|the (?:picture|image)))|what do you see)", re.I
)
_FILE = re.compile(r"[\w./-]+\.(?:pptx|html?|pdf)\b", re.I)
_PAGES = re.compile(r"\b(\d{1,2})[- ]page", re.I)
CAN_DO = (
    "I can draw ('draw a red house in a meadow'), look at an image ('what color is the house?'), find things in it "
    "('find the red house'), edit it ('make the house blue'), make slides and tell a story"
)
"""The answer to what no rule matches."""


class RulePolicy:
    """Rules over the tools.

    Args:
        seedx: Answers what no rule matches, if it has an open vocabulary.
        tools: Names of the available tools.
        memory: The images that a request may mean.
        seed: Seed of an answer that SEED-X itself gives.
    """

    name = "rule-based"

    def __init__(self, seedx: SeedX, tools: Sequence[str], *, memory: ImageMemory, seed: int) -> None:
        self._seedx, self._tools, self._memory, self._seed = seedx, set(tools), memory, seed
        self.warnings: tuple[str, ...] = (
            f"decided by rules over the words of the request: {seedx.info.name} cannot call tools; "
            "pass a chat_model for plans of several steps",
        )

    def decide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return the one call that the request needs, or the text of its result."""
        last = messages[-1]
        if isinstance(last, ToolMessage):
            answer = AIMessage(_text(last))
        else:
            text = _POLITE.sub("", _text(last)).strip()
            call = self._call(text, self._images_meant(messages, text))
            if call is not None:
                name, args = call
                call_id = f"rule-{len(messages)}"
                return AIMessage("", tool_calls=[{"type": "tool_call", "id": call_id, "name": name, "args": args}])
            answer = self._answer(messages)
        on_text(answer.text)
        return answer

    def _call(self, text: str, images: list[str]) -> tuple[str, dict[str, Any]] | None:
        unnamed, subject = self._without_names(text), _FILE.sub("", text).strip()
        if "make_slides" in self._tools and _DECK.search(unnamed):
            return "make_slides", {"prompt_or_outline": subject, "path": self._path(text, "deck.pptx")}
        if "tell_story" in self._tools and _STORY.search(unnamed):
            args: dict[str, Any] = {"prompt": subject, "path": self._path(text, "story.html")}
            if pages := _PAGES.search(text):
                args["pages"] = int(pages.group(1))
            return "tell_story", args
        if (found := _DRAW.match(unnamed)) and "generate" in self._tools and not (images and _is_edit(unnamed)):
            return "generate", {"prompt": found.group(1).strip()}
        if not images:
            return None
        if (found := _FIND.match(unnamed)) and "detect" in self._tools:
            return "detect", {"image": images[-1], "phrase": found.group(1).strip(" ?.!")}
        if _EDIT.match(unnamed) and "edit" in self._tools:
            return "edit", {"image": images[-1], "instruction": unnamed.strip(" .!")}
        if "describe" in self._tools and (_LOOK.match(unnamed) or unnamed.endswith("?") or not unnamed):
            args = {"images": images}
            return "describe", args if _LOOK.match(unnamed) or not unnamed else args | {"question": unnamed}
        return None

    def _images_meant(self, messages: Sequence[BaseMessage], text: str) -> list[str]:
        """Return the images that a request means: given with it, else named, else the latest given or generated."""
        called = self._memory.called
        named = re.findall(rf"{SCHEME}\w+", text)
        named += [called[name] for name in called if re.search(rf"\b{re.escape(name)}\b", text)]
        if given := image_names(messages[-1]) or list(dict.fromkeys(named)):
            return given
        scenes = (m for m in reversed(messages) if isinstance(m, HumanMessage) or m.name in ("generate", "edit"))
        return next((names[-1:] for message in scenes if (names := image_names(message))), [])

    def _without_names(self, text: str) -> str:
        names = [rf"{SCHEME}\w+", *(rf"\b{re.escape(name)}\b" for name in self._memory.called)]
        where = rf"(?:\s*\b(?:in|on|of|from|at)\b)?(?:\s*\bthe (?:picture|image)\b)?\s*(?:{'|'.join(names)})"
        return re.sub(where, "", text).strip()

    def _path(self, text: str, default: str) -> str:
        """Return the file that the request names, else one that does not exist yet."""
        if named := _FILE.search(text):
            return named.group(0)
        stem, suffix = default.split(".")
        folder = self._memory.roots[0] if self._memory.roots else Path()
        taken = {path.name for path in folder.glob(f"{stem}*.{suffix}")}
        numbered = (f"{stem}-{number}.{suffix}" for number in range(2, len(taken) + 3))
        return next(name for name in (default, *numbered) if name not in taken)

    def _answer(self, messages: Sequence[BaseMessage]) -> AIMessage:
        info = self._seedx.info
        if info.is_picture_book:
            needs = "" if len(self._memory.images) else "; there is no image yet: draw one or give one"
            return AIMessage(f"No rule matches this request. {CAN_DO}{needs}.")
        reply = self._seedx.chat(
            [self._message(message) for message in messages if _is_dialogue(message)], seed=self._seed
        )
        content: list[str | dict[Any, Any]] = [{"type": "text", "text": reply.message.text}]
        content += [named_block(self._memory.images.add(image)) for image in reply.message.images]
        return AIMessage(content)

    def _message(self, message: BaseMessage) -> Message:
        parts: list[str | Image.Image] = [self._memory.images[name] for name in image_names(message)]
        if text := _text(message):
            parts.append(text)
        return Message.user(*parts) if isinstance(message, HumanMessage) else Message.assistant(*parts)


def _is_edit(text: str) -> bool:
    """Whether a request that could be a drawing ("paint the house blue") means a thing in an image."""
    return bool(re.match(r"^paint the\b", text, re.I))


def _is_dialogue(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) or (isinstance(message, AIMessage) and not message.tool_calls)


def _text(message: BaseMessage) -> str:
    """Return the first text of a message: what the user wrote, or a tool's answer."""
    if isinstance(message.content, str):
        return message.content
    texts = (block["text"] for block in message.content if isinstance(block, dict) and block.get("type") == "text")
    return next(texts, "")
