"""An assistant that sees, remembers and makes images: a tool loop led by a chat model or by rules."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from PIL import Image

from seedx_agents.assistant.approval import Approver
from seedx_agents.assistant.image_memory import ImageMemory, Images, named_block, opened
from seedx_agents.assistant.loop import ToolLoop
from seedx_agents.assistant.own_tools import own_tools
from seedx_agents.assistant.policy import ChatModelPolicy, Policy
from seedx_agents.assistant.rule_policy import RulePolicy
from seedx_agents.assistant.streams import AsyncEventStream, EventStream
from seedx_agents.assistant.transcript import Options, load_transcript, save_transcript
from seedx_agents.assistant.turn import AgentEvent, Budget, Turn, TurnDone
from seedx_agents.assistant.work import Turning, aevents_of, events_of
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.validation import check_text
from seedx_tools.adapters.langchain import seedx_toolkit
from seedx_tools.catalog.registry import TOOLS
from seedx_tools.chat_models import ChatModel
from seedx_tools.illustration.prompts import drawing_advice, vocabulary_of
from seedx_tools.image_store import ImageStore
from seedx_tools.toolbox import Toolbox, choose

OnEvent: TypeAlias = Callable[[AgentEvent], None]

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
        chat_model: A LangChain chat model that calls tools, also one made with bind, with_retry or with_fallbacks.
            None: a rule-based policy decides, and the turn says so.
        instructions: Added to the system prompt of the chat model: who it is, and how it answers.
        tools: Which tools it may call: names of SeedX's, and LangChain tools of yours.
        approve: Decides on each tool call before it runs: it gets a ProposedCall, with the images that the arguments
            refer to, and returns Approve(), Edit(args) or Reject(reason); a coroutine function may wait for a person.
            The budget does not count that time; closing the stream ends it.
        config: Callbacks, tags and metadata of all calls of the chat model and of tools. Callbacks get names in place
            of images.
        images: Where the images of this conversation are stored, such as a thread of a folder; None: in memory.
        history: How many turns the chat model gets, the latest; None: all. The conversation itself is kept whole.
        roots: Folders whose files it may read and write; relative paths start at the first.
        image_hosts: Hosts from which it may fetch images.
        budget: How much one turn may use.
        seed: Seed of all tool calls for which the policy chose none.
        num_inference_steps: Denoising steps of images for which the policy chose none; None: the model's own.
        show_images: Whether the chat model gets the images themselves; False for one that cannot see.

    Raises:
        InputError: If the chat model calls no tools, or a tool of yours cannot be used.
        ToolRetry: If there is no tool of a name.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: ChatModel | None = None,
        *,
        instructions: str | None = None,
        tools: Sequence[str | BaseTool] = tuple(TOOLS),
        approve: Approver | None = None,
        config: RunnableConfig | None = None,
        images: ImageStore | None = None,
        history: int | None = 20,
        roots: Sequence[str | os.PathLike[str]] = (".",),
        image_hosts: Sequence[str] = (),
        budget: Budget | None = None,
        seed: int = 0,
        num_inference_steps: int | None = None,
        show_images: bool = True,
    ) -> None:
        if history is not None and history < 1:
            raise InputError(f"history must be at least 1 turn, or None for all; it is {history}")
        own = own_tools(tools)
        names = [tool for tool in tools if isinstance(tool, str)]
        self._options = Options(
            instructions=instructions,
            tools=tuple(names),
            own_tools=tuple(own),
            approved=approve is not None,
            history=history,
            budget=budget or Budget(),
            seed=seed,
            num_inference_steps=num_inference_steps,
            show_images=show_images,
        )
        self.album = ImageMemory(images=images, roots=roots, image_hosts=image_hosts)
        """The images of the conversation by name."""
        self._messages: list[BaseMessage] = []
        self._hashes: dict[str, str] = {}  # of the images that were saved
        toolbox = Toolbox(seedx, tools=choose(names), workspace=self.album)
        policy: Policy
        if chat_model is None:
            policy = RulePolicy(seedx, names, memory=self.album, seed=seed)
            policy.warnings += _unused(instructions, own)
        else:
            prompts = [_SYSTEM_PROMPT + drawing_advice(vocabulary_of(seedx.info)), instructions]
            policy = ChatModelPolicy(
                chat_model,
                [*seedx_toolkit(toolbox).get_tools(), *own.values()],
                system_prompt="\n\n".join(prompt for prompt in prompts if prompt),
                memory=self.album,
                show_images=show_images,
                history=history,
                config=config or {},
            )
        steps = {} if num_inference_steps is None else {"num_inference_steps": num_inference_steps}
        self._new_loop = partial(
            ToolLoop,
            policy,
            toolbox,
            own,
            self.album,
            approve=approve,
            budget=self._options.budget,
            defaults={"seed": seed, **steps},
            config=config or {},
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
            images: Images that the user shows with it: one, several, or a mapping of names, such as those of files,
                to images.
            on_event: Called with each event as it happens.

        Raises:
            PromptError: If the prompt is empty or not text.
            ImageError: If an image cannot be read.
            InputError: If a turn is in flight already, or a name of an image cannot be used.
        """
        with self.stream(prompt, images) as events:
            for event in events:
                if on_event is not None:
                    on_event(event)
        return _turn_of(event)

    async def aask(self, prompt: str, images: Images = (), *, on_event: OnEvent | None = None) -> Turn:
        """Return the answer to a request, as `ask` does; cancelling the task ends the turn."""
        async with self.astream(prompt, images) as events:
            async for event in events:
                if on_event is not None:
                    on_event(event)
        return _turn_of(event)

    def stream(self, prompt: str, images: Images = ()) -> EventStream:
        """Return the events of a turn as they happen; the last is TurnDone. Closing the stream ends the turn.

        A request that cannot be accepted raises here, before the first event, and changes nothing.

        Raises:
            SeedXError: As ask.
        """
        stop = threading.Event()
        turning, over = self._accept(prompt, images, stop.is_set)

        def events() -> Generator[AgentEvent, None, None]:
            with over:
                yield from events_of(turning)

        return EventStream(events(), stop.set, over)

    def astream(self, prompt: str, images: Images = ()) -> AsyncEventStream:
        """Return the events of a turn for `async for`, as `stream` does; cancelling the task that reads ends the turn.

        Raises:
            SeedXError: As ask.
        """
        stop = threading.Event()
        turning, over = self._accept(prompt, images, stop.is_set)

        async def events() -> AsyncGenerator[AgentEvent, None]:
            with over:
                async with aclosing(aevents_of(turning)) as inner:
                    async for event in inner:
                        yield event

        return AsyncEventStream(events(), stop.set, over)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the conversation, its images and the options into a folder, and return the folder.

        Saving there again writes what is new. A crash leaves the conversation that was saved before.

        Raises:
            OutputPathError: If it cannot be written there, or the folder holds something else.
            InputError: If a turn is in flight.
        """
        with self._turn():
            return save_transcript(folder, self._messages, self.album, self._options, self._hashes)

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], seedx: SeedX, chat_model: ChatModel | None = None, **options: Any
    ) -> Self:
        """Return an assistant that continues a saved conversation.

        Args:
            folder: The folder that `save` wrote.
            seedx: The model behind the tools.
            chat_model: As for the class.
            options: As for the class. Those that are left out are as they were saved, but for `roots`, `image_hosts`,
                `config` and `images`. Tools of yours and `approve` cannot be saved, so they must be given again.

        Raises:
            InputError: If the folder holds no transcript, or a damaged one, or an option must be given.
        """
        transcript = load_transcript(folder)
        assistant = cls(seedx, chat_model, **(transcript.options.with_given(options)))
        transcript.restore(assistant.album)
        assistant._messages, assistant._hashes = transcript.messages, transcript.hashes
        return assistant

    def _accept(self, prompt: str, images: Images, stop: Callable[[], bool]) -> tuple[Turning, ExitStack]:
        """Return the turn of a request, and what is to be closed once it is over."""
        text, pictures = check_text(prompt, "prompt"), opened(images)
        over = ExitStack()
        over.enter_context(self._turn())

        def run() -> Turning:
            loop = self._new_loop(messages=self._messages, stop=stop)
            return (yield from loop.run(self._request(text, pictures)))

        turning = run()
        over.callback(turning.close)
        return turning, over

    def _request(self, prompt: str, images: Mapping[str | int, Image.Image]) -> HumanMessage:
        blocks: list[str | dict[str, Any]] = [{"type": "text", "text": prompt}]
        for name in self.album.add(images):
            labels = [f'"{label}"' for label, known in self.album.called.items() if known == name]
            also = f", which the user calls {' or '.join(labels)}" if labels else ""
            blocks += [{"type": "text", "text": f"The next image is {name}{also}."}, named_block(name)]
        return HumanMessage(content=blocks)

    @contextmanager
    def _turn(self) -> Generator[None, None, None]:
        if not self._busy.acquire(blocking=False):
            raise InputError("a turn of this assistant is in flight; read its events to the end or close them first")
        try:
            yield
        finally:
            self._busy.release()


def _turn_of(event: AgentEvent) -> Turn:
    assert isinstance(event, TurnDone)
    return event.turn


def _unused(instructions: str | None, own: Mapping[str, BaseTool]) -> tuple[str, ...]:
    """Return warnings about what only a chat model can use."""
    unused = [*(["instructions"] if instructions else []), *own]
    return (f"without a chat model, rules decide; they do not use {', '.join(unused)}",) if unused else ()
