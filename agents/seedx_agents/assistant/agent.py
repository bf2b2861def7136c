"""An assistant that sees, remembers and makes images: a tool loop led by a chat model or by rules."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from seedx_agents.assistant.image_memory import ImageMemory, Images, named_block
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
    "You are an assistant that works with images. You see the images of the conversation, and your tools generate, "
    "describe, search and edit images, make slides and tell stories. Each image has a name, such as image:1; give "
    "tools that name. Call a tool only if the request needs one. When a tool answers with an error, fix the call as "
    "described; do not repeat a call that succeeded. When everything is done, answer in the user's language, in a few "
    "sentences, and name the images that you made."
)


class Assistant:
    """Holds a conversation over several turns, sees the user's images and its own, and decides which tools to call.

    Args:
        seedx: The model behind the tools.
        chat_model: A LangChain chat model that calls tools. None: a rule-based policy decides, and the turn says so.
        tools: Which tools it may call.
        roots: Folders whose files it may read and write; relative paths start at the first.
        image_hosts: Hosts from which it may fetch images.
        budget: How much one turn may use.
        seed: Seed of all tool calls for which the policy chose none.
        num_inference_steps: Denoising steps of images for which the policy chose none; None: the model's own.
        show_images: Whether the chat model gets the images themselves; False for one that cannot see.

    Raises:
        InputError: If the chat model calls no tools.
        ToolRetry: If there is no tool of a name.
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
        show_images: bool = True,
    ) -> None:
        self.album = ImageMemory(roots=roots, image_hosts=image_hosts)
        """The images of the conversation by name."""
        self._messages: list[BaseMessage] = []
        toolbox = Toolbox(seedx, tools=choose(tools), workspace=self.album)
        policy: Policy
        if chat_model is None:
            policy = RulePolicy(seedx, tools, memory=self.album, seed=seed)
        else:
            bound = seedx_toolkit(toolbox).get_tools()
            system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary_of(seedx.info))
            policy = ChatModelPolicy(
                chat_model, bound, system_prompt=system_prompt, memory=self.album, show_images=show_images
            )
        steps = {} if num_inference_steps is None else {"num_inference_steps": num_inference_steps}
        self._new_loop = partial(
            ToolLoop,
            policy,
            toolbox,
            self.album,
            budget=budget or Budget(),
            defaults={"seed": seed, **steps},
        )
        self._busy = threading.Lock()

    @property
    def messages(self) -> tuple[BaseMessage, ...]:
        """The conversation as LangChain messages, with names in place of images."""
        return tuple(self._messages)

    def ask(self, prompt: str, images: Images = (), *, on_event: OnEvent | None = None) -> Turn:
        """Return the answer to a request.

        Args:
            prompt: The user's message.
            images: Images that the user shows with it: one, several, or a mapping of names to images.
            on_event: Called with each event as it happens.

        Raises:
            PromptError: If the prompt is empty or not text.
            ImageError: If an image cannot be read.
            InputError: If a turn is in flight already.
        """
        request = self._request(prompt, images)
        with self._turn():
            return self._run(request, on_event or _ignore, lambda: False)

    def stream(self, prompt: str, images: Images = ()) -> Generator[AgentEvent, None, None]:
        """Return the events of a turn as they happen; the last is TurnDone. Closing the generator ends the turn.

        Raises:
            SeedXError: As ask.
        """
        return self._events(self._request(prompt, images))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the conversation and its images into a folder and return the folder; saving there again is allowed.

        Raises:
            OutputPathError: If it cannot be written there, or the folder holds something else.
        """
        with self._turn():
            return save_transcript(folder, self._messages, self.album)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], seedx: SeedX, chat_model: BaseChatModel | None = None, **options: Any
    ) -> Self:
        """Return an assistant that continues a saved conversation; the options are those of the class.

        Raises:
            InputError: If the folder holds no transcript, or a damaged one.
        """
        assistant = cls(seedx, chat_model, **options)
        assistant._messages = load_transcript(folder, assistant.album)
        return assistant

    def _request(self, prompt: str, images: Images) -> HumanMessage:
        blocks: list[str | dict[str, Any]] = [{"type": "text", "text": check_text(prompt, "prompt")}]
        for name in self.album.add(images):
            own_names = [called for called, known in self.album.called.items() if known == name]
            also = f", which the user calls {' or '.join(own_names)}" if own_names else ""
            blocks += [{"type": "text", "text": f"The next image is {name}{also}."}, named_block(name)]
        return HumanMessage(content=blocks)

    def _run(self, request: HumanMessage, on_event: OnEvent, stop: Callable[[], bool]) -> Turn:
        return self._new_loop(messages=self._messages, on_event=on_event, stop=stop).run(request)

    def _events(self, request: HumanMessage) -> Generator[AgentEvent, None, None]:
        events: SimpleQueue[AgentEvent | BaseException] = SimpleQueue()
        ended = threading.Event()

        def work() -> None:
            try:
                with self._turn():
                    self._run(request, events.put, ended.is_set)
            except BaseException as error:  # raised where the events are read
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
            raise InputError("a turn of this assistant is in flight; read its events to the end or close them first")
        try:
            yield
        finally:
            self._busy.release()


def _ignore(_event: AgentEvent) -> None:
    pass
