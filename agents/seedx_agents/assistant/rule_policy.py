"""The head of an assistant without a chat model: plain rules choose the tool by the first words of the request.

They understand one request at a time and say so; nothing is made up. A SEED-X model with an open vocabulary answers
what no rule fits; the picture-book model cannot, and the answer says what it can do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from PIL import Image

from seedx_agents.assistant.image_memory import ImageMemory, by_name, names_in
from seedx_agents.assistant.policy import Say
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
    r"^(describe|caption|look|what(?:'s| is) (?:this|that|in (?:it|this|the picture))|what do you see)", re.I
)
_FILE = re.compile(r"[\w./-]+\.(?:pptx|html?|pdf)\b", re.I)
_PAGES = re.compile(r"\b(\d{1,2})[- ]page", re.I)
CAN_DO = (
    "I can draw ('draw a red house in a meadow'), look at a picture ('what color is the house?'), find things in it "
    "('find the red house'), change it ('make the house blue'), make slides and tell a story"
)
"""The answer to what no rule fits."""


class RulePolicy:
    """Rules over the tools.

    Args:
        seedx: Answers what no rule fits, if it knows more than the picture book.
        tools: Names of the tools there are.
        album: The pictures that a request may mean.
        seed: Seed of an answer that SEED-X gives itself.
    """

    name = "rules"

    def __init__(self, seedx: SeedX, tools: Sequence[str], *, album: ImageMemory, seed: int) -> None:
        self._seedx, self._tools, self._album, self._seed = seedx, set(tools), album, seed
        self.warnings: tuple[str, ...] = (
            f"decided by rules over the words of the request: {seedx.info.name} cannot call tools; "
            "pass a chat model as head for plans of several steps",
        )

    def decide(self, messages: Sequence[BaseMessage], say: Say) -> AIMessage:
        """Return the one call that fits the request, or its result in words."""
        last = messages[-1]
        if isinstance(last, ToolMessage):
            answer = AIMessage(_words(last))
        else:
            words = _POLITE.sub("", _words(last)).strip()
            call = self._call(words, self._meant(messages, words))
            if call is not None:
                name, args = call
                number = f"rule-{len(messages)}"
                return AIMessage("", tool_calls=[{"type": "tool_call", "id": number, "name": name, "args": args}])
            answer = self._answer(messages)
        say(answer.text)
        return answer

    def _call(self, words: str, pictures: list[str]) -> tuple[str, dict[str, Any]] | None:
        plain, subject = self._without_names(words), _FILE.sub("", words).strip()
        if "make_slides" in self._tools and _DECK.search(plain):
            return "make_slides", {
                "prompt_or_outline": _FILE.sub("", words).strip(),
                "path": self._path(words, "deck.pptx"),
            }
        if "tell_story" in self._tools and _STORY.search(plain):
            args: dict[str, Any] = {"prompt": subject, "path": self._path(words, "story.html")}
            if pages := _PAGES.search(words):
                args["pages"] = int(pages.group(1))
            return "tell_story", args
        if (found := _DRAW.match(plain)) and "generate" in self._tools and not (pictures and _is_edit_of(plain)):
            return "generate", {"prompt": found.group(1).strip()}
        if not pictures:
            return None
        if (found := _FIND.match(plain)) and "detect" in self._tools:
            return "detect", {"image": pictures[-1], "phrase": found.group(1).strip(" ?.!")}
        if _EDIT.match(plain) and "edit" in self._tools:
            return "edit", {"image": pictures[-1], "instruction": plain.strip(" .!")}
        if "describe" in self._tools and (_LOOK.match(plain) or plain.endswith("?") or not plain):
            args = {"images": pictures}
            return "describe", args if _LOOK.match(plain) or not plain else args | {"question": plain}
        return None

    def _meant(self, messages: Sequence[BaseMessage], words: str) -> list[str]:
        """The pictures that a request means: those given with it, those it names, else the latest given or drawn."""
        called = self._album.called
        named = re.findall(rf"{SCHEME}\w+", words)
        named += [called[name] for name in called if re.search(rf"\b{re.escape(name)}\b", words)]
        if given := names_in(messages[-1]) or list(dict.fromkeys(named)):
            return given
        scenes = (m for m in reversed(messages) if isinstance(m, HumanMessage) or m.name in ("generate", "edit"))
        return next((names[-1:] for message in scenes if (names := names_in(message))), [])

    def _without_names(self, words: str) -> str:
        names = [rf"{SCHEME}\w+", *(rf"\b{re.escape(name)}\b" for name in self._album.called)]
        where = rf"(?:\s*\b(?:in|on|of|from|at)\b)?(?:\s*\bthe picture\b)?\s*(?:{'|'.join(names)})"
        return re.sub(where, "", words).strip()

    def _path(self, words: str, usual: str) -> str:
        """The file that the request names, else one beside those that are there."""
        if named := _FILE.search(words):
            return named.group(0)
        stem, suffix = usual.split(".")
        folder = self._album.roots[0] if self._album.roots else Path()
        taken = {path.name for path in folder.glob(f"{stem}*.{suffix}")}
        numbered = (f"{stem}-{number}.{suffix}" for number in range(2, len(taken) + 3))
        return next(name for name in (usual, *numbered) if name not in taken)

    def _answer(self, messages: Sequence[BaseMessage]) -> AIMessage:
        info = self._seedx.info
        if info.is_picture_book:
            needs = "" if len(self._album.images) else "; there is no picture yet: draw one or give one"
            return AIMessage(f"No rule fits this request. {CAN_DO}{needs}.")
        reply = self._seedx.chat([self._message(message) for message in messages if _is_said(message)], seed=self._seed)
        content: list[str | dict[Any, Any]] = [{"type": "text", "text": reply.message.text}]
        content += [by_name(self._album.images.add(picture)) for picture in reply.message.images]
        return AIMessage(content)

    def _message(self, message: BaseMessage) -> Message:
        parts: list[str | Image.Image] = [self._album.images[name] for name in names_in(message)]
        if words := _words(message):
            parts.append(words)
        return Message.user(*parts) if isinstance(message, HumanMessage) else Message.assistant(*parts)


def _is_edit_of(words: str) -> bool:
    """Whether a request that begins like a drawing ("paint the house blue") means a thing that is there."""
    return bool(re.match(r"^paint the\b", words, re.I))


def _is_said(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) or (isinstance(message, AIMessage) and not message.tool_calls)


def _words(message: BaseMessage) -> str:
    """The first text of a message: what the user wrote, or a tool's answer."""
    if isinstance(message.content, str):
        return message.content
    texts = (block["text"] for block in message.content if isinstance(block, dict) and block.get("type") == "text")
    return next(texts, "")
