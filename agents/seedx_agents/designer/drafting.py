"""Makes the images of a designer: draws or edits, looks at the result, and tries again if it contradicts the idea."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from seedx_agents.designer.look import Expected, expected_of_change, expected_of_prompt, look_at
from seedx_agents.designer.results import Change, Changes, Design, Idea, Proposal
from seedx_agents.designer.rules import arrangement, rule_based_changes
from seedx_sdk import SeedX
from seedx_tools.adapters.langchain_messages import image_block
from seedx_tools.catalog.edit import EDIT
from seedx_tools.catalog.generate import GENERATE
from seedx_tools.chat_models import ChatModel
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import drawing_advice, image_prompt, unknown_words, vocabulary_of
from seedx_tools.structured_output import StructuredChat
from seedx_tools.tool import Progress, result_fields
from seedx_tools.toolbox import shown

_IDEA_SYSTEM_PROMPT = (
    "You are a designer. Turn the intent into one image: write a prompt for an image model, in English, explain "
    "the creative idea behind it in two or three sentences in the language of the request, and name what must be seen."
)
_CHANGE_SYSTEM_PROMPT = (
    "You are a designer looking at somebody's image. Propose changes that serve the wish, each as one instruction for "
    "an image editing model, in English, such as 'make the house blue', and say in one sentence why it helps, in the "
    "language of the wish."
)
_SEEDS_OF_A_TRY = 100
"""How far the seed moves when an image is made again; more than the changes of a round."""


class Drafter:
    """Makes single images, each looked at and made again up to `retries` times.

    Args:
        seedx: Generates, edits and describes images.
        chat_model: Has the ideas; None: rules, or SEED-X itself if it has an open vocabulary.
        seed: Seed of the first image.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        retries: How often an unusable answer, or an image that contradicts the idea, is tried again.
        show_images: Whether the chat model gets the user's image, or only its description.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: ChatModel | None,
        *,
        seed: int,
        num_inference_steps: int | None,
        retries: int,
        show_images: bool,
    ) -> None:
        self._seedx, self._seed, self._num_inference_steps = seedx, seed, num_inference_steps
        self._retries, self._show_images = retries, show_images
        self._idea = None if chat_model is None else StructuredChat(chat_model, Idea, retries)
        self._changes = None if chat_model is None else StructuredChat(chat_model, Changes, retries)
        self._change = None if chat_model is None else StructuredChat(chat_model, Change, retries)
        self._vocabulary = vocabulary_of(seedx.info)

    def draw(self, intent: str, on_progress: Progress) -> Design:
        """Return an image for an intent, with its idea.

        Raises:
            ToolRetry: If the intent is not a valid prompt, and there is no chat model to rephrase it.
            ToolFailed: If the model failed, or the chat model gave nothing that can be drawn.
        """
        if self._idea is None:
            prompt = image_prompt(intent, self._vocabulary)
            decorative = f"{self._seedx.info.name} cannot draw {intent[:80]!r}: the image is only decorative"
            return self._redrawn(prompt.text, None, [decorative] if prompt.decorative else [], on_progress)
        designs: list[Design] = []
        beyond: list[Idea] = []

        def use(idea: Idea) -> Design:
            if words := unknown_words(idea.prompt, self._vocabulary):
                beyond.append(idea)
                raise ToolRetry(f"prompt: the image model does not know {_quoted(words)}; use words that it knows")
            expected = expected_of_prompt(idea.prompt, idea.shows, self._vocabulary)
            designs.append(self._design(idea.prompt, idea.idea, expected, len(designs), (), on_progress))
            if (design := designs[-1]).faults:
                raise ToolRetry(
                    f"the image of {idea.prompt!r} shows {design.seen!r}, with {', '.join(design.faults)}; "
                    "propose a prompt that can be drawn"
                )
            return design

        try:
            return self._idea.apply(_IDEA_SYSTEM_PROMPT + drawing_advice(self._vocabulary), intent, use)
        except ToolFailed:
            if designs:
                return _with_warning(min(designs, key=_number_of_faults), len(designs))
            if not beyond:
                raise
            idea, words = beyond[-1], unknown_words(beyond[-1].prompt, self._vocabulary)
            missing = f"{self._seedx.info.name} does not know {_quoted(words)}, which the image does not show"
            return self._redrawn(image_prompt(idea.prompt, self._vocabulary).text, idea.idea, [missing], on_progress)

    def plan(self, image: Image.Image, seen: str, wish: str, count: int, warnings: list[str]) -> Sequence[Change]:
        """Return at most `count` changes to an image.

        Raises:
            SeedXError: If the chat model gave no valid changes, or SEED-X failed to suggest any.
        """
        vocabulary = self._vocabulary
        if self._changes is None:
            suggestions = [] if vocabulary else self._seedx.describe(image, _question(wish, count)).text.splitlines()
            warnings.append(
                "without a chat model the changes follow rules" if vocabulary else "SEED-X itself proposed the changes"
            )
            if words := unknown_words(wish, vocabulary, instruction=True):
                warnings.append(f"{self._seedx.info.name} does not know {_quoted(words)} of the wish")
            return rule_based_changes(seen, suggestions, wish, count, vocabulary)
        text = f"The wish: {wish or 'make it better'}\nThe image shows: {seen}\n{count} changes."
        prompt: list[str | dict[str, Any]] = [{"type": "text", "text": text}]
        if self._show_images:
            prompt.append(image_block(shown(image)))
        return self._changes(_CHANGE_SYSTEM_PROMPT + drawing_advice(vocabulary), prompt).changes[:count]

    def change(self, image: Image.Image, seen: str, change: Change, number: int, warnings: list[str]) -> Proposal:
        """Return a change with its result; if it cannot be done or seen, the chat model proposes another.

        Args:
            image: The image to change.
            seen: What it shows.
            change: What to do first.
            number: Which change of a round, from 0; shifts the seed.
            warnings: Gets what the user should know.

        Raises:
            ToolFailed: If no image could be made.
        """
        made: list[Proposal] = []
        beyond: list[Change] = []

        def use(change: Change) -> Proposal:
            if words := unknown_words(change.instruction, self._vocabulary, instruction=True):
                beyond.append(change)
                raise ToolRetry(f"the image model does not know {_quoted(words)}; use words that it knows")
            made.append(self._edited(image, change, number + _SEEDS_OF_A_TRY * len(made), warnings))
            if (proposal := made[-1]).faults:
                raise _ContradictedError(f"the result shows {proposal.seen!r}, with {', '.join(proposal.faults)}")
            return proposal

        try:
            return self._changed(change, seen, use)
        except ToolFailed:
            if not made and not beyond:
                raise
        if not made:
            words = unknown_words(beyond[-1].instruction, self._vocabulary, instruction=True)
            warnings.append(f"{self._seedx.info.name} does not know {_quoted(words)} and can only guess")
            return self._edited(image, beyond[-1], number, warnings)
        best = min(made, key=_number_of_faults)
        warnings.append(_shortfall(repr(best.change.instruction), best.faults, len(made)))
        return best

    def _changed(self, change: Change, seen: str, use: Callable[[Change], Proposal]) -> Proposal:
        """Return what `use` makes of a change, or of another one if it raises a ToolRetry."""
        try:
            return use(change)
        except ToolRetry as error:
            fault = error
        if self._change is not None:
            system_prompt = _CHANGE_SYSTEM_PROMPT + drawing_advice(self._vocabulary)
            prompt = f"The image shows: {seen}\n{change.instruction!r} cannot be done: {fault}\nPropose another change."
            return self._change.apply(system_prompt, prompt, use)
        for _ in range(self._retries if isinstance(fault, _ContradictedError) else 0):
            try:
                return use(change)
            except _ContradictedError as error:
                fault = error
        raise ToolFailed(str(fault)) from fault

    def _redrawn(self, prompt: str, idea: str | None, warnings: list[str], on_progress: Progress) -> Design:
        """Return the best image of a prompt, drawn again while it contradicts the prompt."""
        expected = expected_of_prompt(prompt, (), self._vocabulary)
        designs: list[Design] = []
        for attempt in range(self._retries + 1):
            designs.append(self._design(prompt, idea, expected, attempt, warnings, on_progress))
            if not designs[-1].faults:
                return designs[-1]
        return _with_warning(min(designs, key=_number_of_faults), len(designs))

    def _design(
        self,
        prompt: str,
        idea: str | None,
        expected: Expected,
        attempt: int,
        warnings: Sequence[str],
        on_progress: Progress,
    ) -> Design:
        started, seed = time.perf_counter(), self._seed + attempt
        args = {"prompt": prompt, "seed": seed, "num_inference_steps": self._num_inference_steps}
        generated = GENERATE.run(self._seedx, args, on_progress=on_progress)
        if generated.image is None:
            raise ToolFailed(f"{self._seedx.info.name} generated no image of {prompt!r}; try another seed")
        look = look_at(self._seedx, generated.image, expected)
        warnings = [*warnings, *generated.warnings]
        if idea is None and self._seedx.info.is_picture_book:
            idea = arrangement(generated.layout, look.seen)
            warnings.append("without a chat model the idea only says how the image is arranged")
        elif idea is None:
            idea = self._seedx.describe(generated.image, "Explain the creative idea of this image.").text
        fields = result_fields(self._seedx, seed=seed, started=started, warnings=warnings)
        return Design(image=generated.image, prompt=prompt, idea=idea, seen=look.seen, faults=look.faults, **fields)

    def _edited(self, image: Image.Image, change: Change, shift: int, warnings: list[str]) -> Proposal:
        args = {
            "image": image,
            "instruction": change.instruction,
            "seed": self._seed + shift,
            "num_inference_steps": self._num_inference_steps,
        }
        edited = EDIT.run(self._seedx, args)
        warnings.extend(edited.warnings)
        look = look_at(self._seedx, edited.image, expected_of_change(change, self._vocabulary))
        return Proposal(change=change, image=edited.image, seen=look.seen, faults=look.faults)


class _ContradictedError(ToolRetry):
    """An image contradicts what it was made for; another seed may help."""


def _with_warning(design: Design, tries: int) -> Design:
    warning = _shortfall("the image", design.faults, tries)
    return design.model_copy(update={"warnings": (warning, *design.warnings)})


def _shortfall(what: str, faults: Sequence[str], tries: int) -> str:
    tried = "once" if tries == 1 else f"{tries} times"
    return f"{what} was made {tried} and is not what it should be: {', '.join(faults)}"


def _number_of_faults(made: Design | Proposal) -> int:
    return len(made.faults)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words[:8]))


def _question(wish: str, count: int) -> str:
    purpose = f" so that it fits this wish: {wish}" if wish else ""
    return f"Suggest {count} changes to this image{purpose}. Write one short instruction on each line."
