"""A designer: draws from an intent and explains the idea, and shows what a user's image could become."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from PIL import Image

from seedx_agents.designer.results import MAX_CHANGES, Change, Changes, Design, Idea, Proposal, Proposals
from seedx_agents.designer.rules import arrangement, rule_based_changes
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.options import check_seed
from seedx_sdk.validation import check_text
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.catalog.edit import EDIT
from seedx_tools.catalog.generate import GENERATE
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import drawing_advice, image_prompt, vocabulary_of
from seedx_tools.structured_output import StructuredChat
from seedx_tools.tool import Progress, ignore_progress, result_fields
from seedx_tools.toolbox import shown

_IDEA_SYSTEM_PROMPT = (
    "You are a designer. Turn the intent into one image: write a prompt for an image model, in English, and explain "
    "the creative idea behind it in two or three sentences in the language of the request."
)
_CHANGE_SYSTEM_PROMPT = (
    "You are a designer looking at somebody's image. Propose changes that serve the wish, each as one instruction for "
    "an image editing model, in English, such as 'make the house blue', and say in one sentence why it helps, in the "
    "language of the wish."
)


class Designer:
    """Draws images and proposes changes.

    Args:
        seedx: Generates, edits and describes images.
        chat_model: A LangChain chat model with structured output that has the ideas. None: SEED-X's own ideas if it has
            an open vocabulary, else rules; the warnings say which.
        seed: Seed of the first image; each further one adds one.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        retries: How often an unusable answer goes back to the chat model.
        show_images: Whether the chat model gets the user's image, or only its description.

    Raises:
        InputError: If the seed is out of range.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: BaseChatModel | None = None,
        *,
        seed: int = 0,
        num_inference_steps: int | None = None,
        retries: int = 2,
        show_images: bool = True,
    ) -> None:
        self._seedx, self._seed, self._num_inference_steps = seedx, check_seed(seed), num_inference_steps
        self._show_images = show_images
        self._idea = None if chat_model is None else StructuredChat(chat_model, Idea, retries)
        self._changes = None if chat_model is None else StructuredChat(chat_model, Changes, retries)
        self._change = None if chat_model is None else StructuredChat(chat_model, Change, retries)

    def draw(self, intent: str, *, on_progress: Progress = ignore_progress) -> Design:
        """Return an image for an intent, with its idea.

        Args:
            intent: What the image is for.
            on_progress: Called with (steps done, total steps, what is being done now).

        Raises:
            PromptError: If the intent is empty or not text.
            ToolRetry: If the intent is not a valid prompt, and there is no chat model to rephrase it.
            ToolFailed: If the model failed, or the chat model gave nothing that can be drawn.
        """
        text = check_text(intent, "intent")
        vocabulary = vocabulary_of(self._seedx.info)
        if self._idea is not None:
            system_prompt = _IDEA_SYSTEM_PROMPT + drawing_advice(vocabulary)
            return self._idea.apply(
                system_prompt, text, lambda idea: self._design(idea.prompt, idea.idea, (), on_progress)
            )
        prompt = image_prompt(text, vocabulary)
        warnings = []
        if prompt.decorative:
            warnings.append(f"{self._seedx.info.name} cannot draw {text[:80]!r}: the image is only decorative")
        return self._design(prompt.text, None, warnings, on_progress)

    def propose(
        self, image: ImageSource, wish: str = "", *, count: int = 3, on_progress: Progress = ignore_progress
    ) -> Proposals:
        """Return changes to an image, each with its result; if the model fails, those made before are returned.

        Args:
            image: The user's image.
            wish: What it should become, or empty.
            count: How many changes, 1..MAX_CHANGES.
            on_progress: Called with (changes done, total changes, what is being done now).

        Raises:
            ImageError: If the image cannot be read.
            InputError: If count is out of range.
            SeedXError: If the model cannot describe the image, or the chat model gave no valid changes.
        """
        started = time.perf_counter()
        if not 1 <= count <= MAX_CHANGES:
            raise InputError(f"count is {count}; use 1 to {MAX_CHANGES}")
        wish = check_text(wish, "wish") if wish else ""
        warnings: list[str] = []
        original = open_image(image, on_warning=warnings.append)
        described = self._seedx.describe(original, seed=self._seed)
        warnings += described.warnings
        changes = self._plan(original, described.text, wish, count, warnings)
        proposals: list[Proposal] = []
        for number, change in enumerate(changes):
            on_progress(number, len(changes), change.instruction)
            try:
                proposals.append(self._propose(original, described.text, change, number, warnings))
            except ToolFailed as error:
                warnings.append(f"stopped at change {number + 1}: {error}")
                proposals += [Proposal(change=left, image=None, seen="") for left in changes[number:]]
                break
        else:
            on_progress(len(changes), len(changes), "done")
        return Proposals(
            seen=described.text,
            proposals=tuple(proposals),
            **result_fields(self._seedx, seed=self._seed, started=started, warnings=warnings),
        )

    def _design(self, prompt: str, idea: str | None, warnings: Sequence[str], on_progress: Progress) -> Design:
        started = time.perf_counter()
        args = {"prompt": prompt, "seed": self._seed, "num_inference_steps": self._num_inference_steps}
        generated = GENERATE.run(self._seedx, args, on_progress=on_progress)
        if generated.image is None:
            raise ToolFailed(f"{self._seedx.info.name} generated no image of {prompt!r}; try another seed")
        seen = self._seedx.describe(generated.image).text
        warnings = [*warnings, *generated.warnings]
        if idea is None and self._seedx.info.is_picture_book:
            idea = arrangement(generated.layout, seen)
            warnings.append("without a chat model the idea only says how the image is arranged")
        elif idea is None:
            idea = self._seedx.describe(generated.image, "Explain the creative idea of this image.").text
        fields = result_fields(self._seedx, seed=self._seed, started=started, warnings=warnings)
        return Design(image=generated.image, prompt=prompt, idea=idea, seen=seen, **fields)

    def _plan(self, image: Image.Image, seen: str, wish: str, count: int, warnings: list[str]) -> Sequence[Change]:
        vocabulary = vocabulary_of(self._seedx.info)
        if self._changes is None:
            suggestions = [] if vocabulary else self._seedx.describe(image, _question(wish, count)).text.splitlines()
            warnings.append(
                "without a chat model the changes follow rules" if vocabulary else "SEED-X itself proposed the changes"
            )
            changes = rule_based_changes(seen, suggestions, wish, count, vocabulary)
            return [Change(instruction=instruction, reason=reason) for instruction, reason in changes]
        prompt: list[str | dict[Any, Any]] = [
            {
                "type": "text",
                "text": f"The wish: {wish or 'make it better'}\nThe image shows: {seen}\n{count} changes.",
            }
        ]
        if self._show_images:
            prompt.append(image_block(shown(image)))
        return self._changes(_CHANGE_SYSTEM_PROMPT + drawing_advice(vocabulary), prompt).changes[:count]

    def _propose(self, image: Image.Image, seen: str, change: Change, number: int, warnings: list[str]) -> Proposal:
        """Return the change with its result; if it is not a valid edit, the chat model proposes another."""

        def apply(change: Change) -> Proposal:
            args = {
                "image": image,
                "instruction": change.instruction,
                "seed": self._seed + number,
                "num_inference_steps": self._num_inference_steps,
            }
            edited = EDIT.run(self._seedx, args)
            warnings.extend(edited.warnings)
            return Proposal(change=change, image=edited.image, seen=self._seedx.describe(edited.image).text)

        try:
            return apply(change)
        except ToolRetry as error:
            if self._change is None:
                raise ToolFailed(str(error)) from error
            system_prompt = _CHANGE_SYSTEM_PROMPT + drawing_advice(vocabulary_of(self._seedx.info))
            prompt = f"The image shows: {seen}\n{change.instruction!r} cannot be done: {error}\nPropose another change."
            return self._change.apply(system_prompt, prompt, apply)


def _question(wish: str, count: int) -> str:
    purpose = f" so that it fits this wish: {wish}" if wish else ""
    return f"Suggest {count} changes to this image{purpose}. Write one short instruction on each line."
