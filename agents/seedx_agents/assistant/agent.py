"""An assistant that sees, remembers and makes pictures: a loop over the tools, led by a chat model or by rules."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from seedx_agents.assistant.image_memory import ImageMemory, Pictures, by_name
from seedx_agents.assistant.loop import OnEvent, ToolLoop
from seedx_agents.assistant.policy import ChatModelPolicy, Policy
from seedx_agents.assistant.rule_policy import RulePolicy
from seedx_agents.assistant.transcript import load_transcript, save_transcript
from seedx_agents.assistant.turn import AgentEvent, Budget, Turn, TurnDone
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.validation import check_text
from seedx_tools.adapters.langchain import seedx_toolkit
from seedx_tools.catalog.registry import TOOLS
from seedx_tools.illustration.prompts import drawing_advice, vocabulary_of
from seedx_tools.toolbox import Toolbox, choose

_SYSTEM_PROMPT = (
    "You are an assistant who works with pictures. You see the pictures of the conversation, and your tools draw, "
    "describe, search and change pictures, make slides and tell stories. Each picture has a name, such as image:1; "
    "give tools that name. Call a tool only where the request needs one. When a tool answers with an error, mend the "
    "call as it says; do not repeat a call that was done. When all is done, answer in the user's language, in a few "
    "sentences, and name the pictures that you made."
)


class Assistant:
    """Talks over several turns, sees the user's pictures and its own, and decides which tool to call.

    Args:
        seedx: The model behind the tools.
        chat_model: A LangChain chat model that calls tools. None: a rule-based policy decides, and says so.
        tools: Which tools it may call.
        roots: Folders whose files it may read and write; relative paths begin at the first.
        image_hosts: Hosts from which it may fetch pictures.
        budget: How much one turn may take.
        seed: Seed of all tool calls for which the head chose none.
        num_inference_steps: Denoising steps of drawings and edits for which the head chose none; None: the model's own.
        show_pictures: Whether the chat model gets pixels; False for one that cannot see.

    Raises:
        InputError: The chat model calls no tools.
        ToolRetry: There is no tool of a name.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: BaseChatModel | None = None,
        *,
        tools: Sequence[str] = tuple(TOOLS),
        roots: Sequence[str | os.PathLike[str]] = (".",),
        image_hosts: Sequence[str] = (),
        budget: Budget | None = None,
        seed: int = 0,
        num_inference_steps: int | None = None,
        show_pictures: bool = True,
    ) -> None:
        self.album = ImageMemory(roots=roots, image_hosts=image_hosts)
        self._messages: list[BaseMessage] = []
        toolbox = Toolbox(seedx, tools=choose(tools), workspace=self.album)
        chosen: Policy
        if chat_model is None:
            chosen = RulePolicy(seedx, tools, album=self.album, seed=seed)
        else:
            bound = seedx_toolkit(toolbox).get_tools()
            system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary_of(seedx.info))
            chosen = ChatModelPolicy(
                chat_model, bound, system_prompt=system_prompt, album=self.album, show_pictures=show_pictures
            )
        defaults = (
            {"seed": seed}
            if num_inference_steps is None
            else {"seed": seed, "num_inference_steps": num_inference_steps}
        )
        self._loop = ToolLoop(chosen, toolbox, self.album, budget=budget or Budget(), defaults=defaults)
        self._busy = threading.Lock()

    @property
    def messages(self) -> tuple[BaseMessage, ...]:
        """The conversation as LangChain messages, with names in place of pixels."""
        return tuple(self._messages)

    def ask(self, words: str, pictures: Pictures = (), *, on_event: OnEvent | None = None) -> Turn:
        """Return the answer to a request.

        Args:
            words: What the user says.
            pictures: Pictures that the user shows with it: one, several, or a mapping of names to pictures.
            on_event: Called with each event as it happens.

        Raises:
            PromptError: The words are empty or not text.
            ImageError: A picture cannot be read.
            InputError: A turn is under way already.
        """
        request = self._request(words, pictures)
        with self._turn():
            return self._loop.run(self._messages, request, on_event or _ignore, stop=lambda: False)

    def stream(self, words: str, pictures: Pictures = ()) -> Generator[AgentEvent, None, None]:
        """Return the events of a turn as they happen; the last is TurnDone. Closing the generator ends the turn.

        Raises:
            As ask.
        """
        return self._events(self._request(words, pictures))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the conversation and its pictures into a folder, and return it; saving there again is allowed.

        Raises:
            OutputPathError: It cannot be written there, or the folder holds something else.
        """
        with self._turn():
            return save_transcript(folder, self._messages, self.album)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], seedx: SeedX, chat_model: BaseChatModel | None = None, **options: Any
    ) -> Self:
        """Return an assistant that goes on with a saved conversation; options are those of the class.

        Raises:
            InputError: The folder holds no transcript, or a damaged one.
        """
        assistant = cls(seedx, chat_model, **options)
        assistant._messages = load_transcript(folder, assistant.album)
        return assistant

    def _request(self, words: str, pictures: Pictures) -> HumanMessage:
        checked = check_text(words, "words")
        shown = self.album.add(pictures)
        blocks: list[str | dict[str, Any]] = [{"type": "text", "text": checked}]
        for name in shown:
            mine = [called for called, known in self.album.called.items() if known == name]
            calls = f", which the user calls {' or '.join(mine)}" if mine else ""
            blocks += [{"type": "text", "text": f"The next picture is {name}{calls}."}, by_name(name)]
        return HumanMessage(content=blocks)

    def _events(self, request: HumanMessage) -> Generator[AgentEvent, None, None]:
        events: SimpleQueue[AgentEvent | BaseException] = SimpleQueue()
        ended = threading.Event()

        def work() -> None:
            try:
                with self._turn():
                    self._loop.run(self._messages, request, events.put, stop=ended.is_set)
            except BaseException as error:  # it belongs to the reader of the events
                events.put(error)

        worker = threading.Thread(target=work, name="seedx-assistant", daemon=True)
        worker.start()
        try:
            while True:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, TurnDone):
                    return
        finally:
            ended.set()
            worker.join()

    @contextmanager
    def _turn(self) -> Generator[None, None, None]:
        if not self._busy.acquire(blocking=False):
            raise InputError("a turn of this assistant is under way; read its events to the end or close them first")
        try:
            yield
        finally:
            self._busy.release()


def _ignore(_event: AgentEvent) -> None:
    pass
