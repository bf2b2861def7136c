"""A designer: draws from an intent and says why so, and shows what a user's picture could become."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from PIL import Image

from seedx_agents.designer.results import MAX_CHANGES, Change, Changes, Design, Idea, Proposal, Proposals
from seedx_agents.designer.rules import arrangement, rule_based_changes
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image, to_png
from seedx_sdk.options import check_seed
from seedx_sdk.validation import check_text
from seedx_tools.catalog.edit import EDIT
from seedx_tools.catalog.generate import GENERATE
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import drawing_advice, picture_prompt, vocabulary_of
from seedx_tools.structured_output import StructuredChat
from seedx_tools.tool import Progress, ignore_progress
from seedx_tools.toolbox import SHOWN_SIDE

_DRAW = (
    "You are a designer. Turn the intent into one picture: write a prompt for an image model, in English, and explain "
    "the creative idea behind it in two or three sentences in the language of the request."
)
_CHANGE = (
    "You are a designer who looks at somebody's picture. Propose changes that serve the wish, each as one order for an "
    "image editing model, in English, such as 'make the house blue', and say in one sentence why it helps, in the "
    "language of the wish."
)


class Designer:
    """Draws and proposes.

    Args:
        seedx: Draws, edits, and looks.
        chat_model: A LangChain chat model with structured output that has the ideas. None: the model's own where it
            knows more than the picture book, else plain rules; the warnings say which.
        seed: Seed of the first picture; each further one adds one.
        num_inference_steps: Denoising steps of each picture; None: the model's own.
        retries: How often an answer of the head that cannot be used goes back to it.
        show_pictures: Whether the head gets the user's picture, or a description only.

    Raises:
        InputError: The seed is out of range.
        ToolFailed: The chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: BaseChatModel | None = None,
        *,
        seed: int = 0,
        num_inference_steps: int | None = None,
        retries: int = 2,
        show_pictures: bool = True,
    ) -> None:
        self._seedx, self._seed, self._num_inference_steps = seedx, check_seed(seed), num_inference_steps
        self._show_pictures = show_pictures
        self._idea = None if chat_model is None else StructuredChat(chat_model, Idea, retries)
        self._changes = None if chat_model is None else StructuredChat(chat_model, Changes, retries)
        self._change = None if chat_model is None else StructuredChat(chat_model, Change, retries)

    def draw(self, intent: str, *, on_progress: Progress = ignore_progress) -> Design:
        """Return a picture for an intent, with its idea.

        Args:
            intent: What the picture is for, in the user's words.
            on_progress: Called with (steps done, steps in all, what is being done).

        Raises:
            PromptError: The intent is empty or not text.
            ToolRetry: The intent cannot be drawn as it is, and there is no head to put it otherwise.
            ToolFailed: The model failed, or the head gave nothing that can be drawn in all its tries.
        """
        words = check_text(intent, "intent")
        vocabulary = vocabulary_of(self._seedx.info)
        if self._idea is not None:
            order = _DRAW + drawing_advice(vocabulary)
            return self._idea.used(order, words, lambda idea: self._design(idea.prompt, idea.idea, (), on_progress))
        chosen = picture_prompt(words, vocabulary)
        warnings = []
        if chosen.decorative:
            warnings.append(f"{self._seedx.info.name} cannot draw {words[:80]!r}: the picture only decorates")
        return self._design(chosen.text, None, warnings, on_progress)

    def propose(
        self, picture: ImageSource, wish: str = "", *, count: int = 3, on_progress: Progress = ignore_progress
    ) -> Proposals:
        """Return changes to a picture, each shown on it. When the model fails, those done before are there.

        Args:
            picture: The user's picture.
            wish: What it should become, in the user's words, or empty.
            count: How many changes, 1..MAX_CHANGES.
            on_progress: Called with (changes done, changes in all, what is being done).

        Raises:
            ImageError: The picture cannot be read.
            InputError: count is out of range.
            SeedXError: The model cannot look at the picture, or the head gave no valid changes in all its tries.
        """
        started = time.perf_counter()
        if not 1 <= count <= MAX_CHANGES:
            raise InputError(f"count is {count}; use 1 to {MAX_CHANGES}")
        wanted = check_text(wish, "wish") if wish else ""
        warnings: list[str] = []
        given = open_image(picture, on_warning=warnings.append)
        looked = self._seedx.describe(given, seed=self._seed)
        warnings += looked.warnings
        changes = self._planned(given, looked.text, wanted, count, warnings)
        proposals: list[Proposal] = []
        for number, change in enumerate(changes):
            on_progress(number, len(changes), change.instruction)
            try:
                proposals.append(self._shown(given, looked.text, change, number, warnings))
            except ToolFailed as error:
                warnings.append(f"stopped at change {number + 1}: {error}")
                proposals += [Proposal(change=left, image=None, seen="") for left in changes[number:]]
                break
        else:
            on_progress(len(changes), len(changes), "done")
        return Proposals(
            seen=looked.text,
            proposals=tuple(proposals),
            **self._common(self._seed, time.perf_counter() - started, warnings),
        )

    def _design(self, prompt: str, idea: str | None, warnings: Sequence[str], on_progress: Progress) -> Design:
        started = time.perf_counter()
        asked = {"prompt": prompt, "seed": self._seed, "num_inference_steps": self._num_inference_steps}
        drawn = GENERATE.run(self._seedx, asked, on_progress=on_progress)
        if drawn.image is None:
            raise ToolFailed(f"{self._seedx.info.name} drew no picture of {prompt!r}; try another seed")
        seen = self._seedx.describe(drawn.image).text
        notes = [*warnings, *drawn.warnings]
        if idea is None and self._seedx.info.is_picture_book:
            idea = arrangement(drawn.layout, seen)
            notes.append("without a chat model the idea is how the picture is arranged, and no more")
        elif idea is None:
            idea = self._seedx.describe(drawn.image, "Explain the creative idea of this picture.").text
        took = time.perf_counter() - started
        return Design(image=drawn.image, prompt=prompt, idea=idea, seen=seen, **self._common(self._seed, took, notes))

    def _planned(self, picture: Image.Image, seen: str, wish: str, count: int, warnings: list[str]) -> Sequence[Change]:
        vocabulary = vocabulary_of(self._seedx.info)
        if self._changes is None:
            said = [] if vocabulary else self._seedx.describe(picture, _question(wish, count)).text.splitlines()
            warnings.append(
                "without a chat model the changes follow plain rules" if vocabulary else "the model's own proposals"
            )
            plain = rule_based_changes(seen, said, wish, count, vocabulary)
            return [Change(instruction=instruction, reason=reason) for instruction, reason in plain]
        request: list[str | dict[Any, Any]] = [
            {
                "type": "text",
                "text": f"The wish: {wish or 'make it better'}\nThe picture shows: {seen}\n{count} changes.",
            }
        ]
        if self._show_pictures:
            shown = picture.copy()
            shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
            data = base64.b64encode(to_png(shown)).decode("ascii")
            request.append({"type": "image", "base64": data, "mime_type": "image/png"})
        return self._changes(_CHANGE + drawing_advice(vocabulary), request).changes[:count]

    def _shown(self, picture: Image.Image, seen: str, change: Change, number: int, warnings: list[str]) -> Proposal:
        """The change on the picture; when it cannot be drawn, the head is asked for another."""

        def show(tried: Change) -> Proposal:
            asked = {
                "image": picture,
                "instruction": tried.instruction,
                "seed": self._seed + number,
                "num_inference_steps": self._num_inference_steps,
            }
            edited = EDIT.run(self._seedx, asked)
            warnings.extend(edited.warnings)
            return Proposal(change=tried, image=edited.image, seen=self._look(edited.image))

        try:
            return show(change)
        except ToolRetry as error:
            if self._change is None:
                raise ToolFailed(str(error)) from error
            request = (
                f"The picture shows: {seen}\n{change.instruction!r} cannot be done: {error}\nPropose another change."
            )
            return self._change.used(_CHANGE + drawing_advice(vocabulary_of(self._seedx.info)), request, show)

    def _look(self, picture: Image.Image) -> str:
        return self._seedx.describe(picture).text

    def _common(self, seed: int, seconds: float, warnings: Sequence[str]) -> dict[str, Any]:
        info = self._seedx.info
        return {
            "seed": seed,
            "model": info.name,
            "revision": info.revision,
            "timings": {"total": seconds},
            "warnings": tuple(dict.fromkeys(warnings)),
        }


def _question(wish: str, count: int) -> str:
    purpose = f" so that it fits this wish: {wish}" if wish else ""
    return f"Suggest {count} changes to this picture{purpose}. Write one short order on each line."
