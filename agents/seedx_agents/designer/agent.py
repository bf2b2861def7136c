"""A designer: draws from an intent and explains the idea, and changes a design over several rounds."""

from __future__ import annotations

import os
import time
from pathlib import Path

from PIL import Image

from seedx_agents.designer.drafting import Drafter
from seedx_agents.designer.results import MAX_CHANGES, Change, Design, Proposal, Proposals
from seedx_agents.designer.versions import Versions
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.options import check_seed
from seedx_sdk.validation import check_text
from seedx_tools.chat_models import ChatModel
from seedx_tools.errors import ToolFailed
from seedx_tools.tool import Progress, ignore_progress, result_fields


class Designer:
    """Draws images, proposes changes, and keeps the design that they make over several rounds.

    After each image it looks at what was made. Words that the image model does not know, and an image that contradicts
    the idea, go back to the chat model, which proposes again; without one, the image is drawn again.

    Args:
        seedx: Generates, edits and describes images.
        chat_model: A LangChain chat model with structured output that has the ideas. None: SEED-X's own ideas if it has
            an open vocabulary, else rules; the warnings say which.
        seed: Seed of the first image; each further one adds one.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        retries: How often an unusable answer, or an image that contradicts the idea, is tried again.
        show_images: Whether the chat model gets the user's image, or only its description.

    Raises:
        InputError: If the seed is out of range.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: ChatModel | None = None,
        *,
        seed: int = 0,
        num_inference_steps: int | None = None,
        retries: int = 2,
        show_images: bool = True,
    ) -> None:
        self._seedx, self._seed = seedx, check_seed(seed)
        self._drafter = Drafter(
            seedx,
            chat_model,
            seed=self._seed,
            num_inference_steps=num_inference_steps,
            retries=retries,
            show_images=show_images,
        )
        self._versions = Versions()
        self._offered: list[Proposal] = []  # made from the design as it is now

    @property
    def image(self) -> Image.Image:
        """The design as it is now.

        Raises:
            InputError: If there is none.
        """
        return self._versions.image

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that were accepted, in order."""
        return self._versions.changes

    def draw(self, intent: str, *, on_progress: Progress = ignore_progress) -> Design:
        """Begin a design with an image for an intent, and return it with its idea.

        Args:
            intent: What the image is for.
            on_progress: Called with (steps done, total steps, what is being done now).

        Raises:
            PromptError: If the intent is empty or not text.
            ToolRetry: If the intent is not a valid prompt, and there is no chat model to rephrase it.
            ToolFailed: If the model failed, or the chat model gave nothing that can be drawn.
        """
        design = self._drafter.draw(check_text(intent, "intent"), on_progress)
        self._begin(design.image)
        return design

    def open(self, image: ImageSource) -> Image.Image:
        """Begin a design with an image of the user's, and return it.

        Raises:
            ImageError: If the image cannot be read.
        """
        return self._begin(open_image(image))

    def propose(
        self,
        image: ImageSource | None = None,
        wish: str = "",
        *,
        count: int = 3,
        on_progress: Progress = ignore_progress,
    ) -> Proposals:
        """Return changes to the design, each with its result; if the model fails, those made before are returned.

        Args:
            image: An image to begin a design with; None: the design as it is now.
            wish: What it should become, or empty.
            count: How many changes, 1..MAX_CHANGES.
            on_progress: Called with (changes done, total changes, what is being done now).

        Raises:
            ImageError: If the image cannot be read.
            InputError: If count is out of range, or there is no design and no image.
            SeedXError: If the model cannot describe the image, or the chat model gave no valid changes.
        """
        started = time.perf_counter()
        if not 1 <= count <= MAX_CHANGES:
            raise InputError(f"count is {count}; use 1 to {MAX_CHANGES}")
        wish = check_text(wish, "wish") if wish else ""
        warnings: list[str] = []
        if image is not None and image is not self._versions.latest:
            self._begin(open_image(image, on_warning=warnings.append))
        described = self._seedx.describe(self.image, seed=self._seed)
        warnings += described.warnings
        changes = self._drafter.plan(self.image, described.text, wish, count, warnings)
        proposals: list[Proposal] = []
        for number, change in enumerate(changes):
            on_progress(number, len(changes), change.instruction)
            try:
                proposals.append(self._drafter.change(self.image, described.text, change, number, warnings))
            except ToolFailed as error:
                warnings.append(f"stopped at change {number + 1}: {error}")
                proposals += [Proposal(change=left, image=None, seen="") for left in changes[number:]]
                break
        else:
            on_progress(len(changes), len(changes), "done")
        self._offered = proposals
        return Proposals(
            seen=described.text,
            proposals=tuple(proposals),
            **result_fields(self._seedx, seed=self._seed, started=started, warnings=warnings),
        )

    def accept(self, proposal: Proposal) -> Proposal:
        """Make a proposal the design, and return it; `propose()` then continues from there.

        A proposal that was made from an earlier version, such as a second one of the same round, is made again from the
        design as it is now, so that no accepted change is lost.

        Raises:
            InputError: If there is no design.
            ToolFailed: If it has no image and the model cannot make it.
        """
        if proposal.image is None or not any(proposal is offered for offered in self._offered):
            proposal = self._drafter.change(self.image, self._seedx.describe(self.image).text, proposal.change, 0, [])
        assert proposal.image is not None
        self._versions.accept(proposal.change, proposal.image)
        self._offered = []
        return proposal

    def undo(self) -> Image.Image:
        """Take back the change that was accepted last, and return the design as it is then.

        Raises:
            InputError: If no change was accepted.
        """
        self._offered = []
        return self._versions.undo()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the design as a .png, .jpg or .webp file and return its path.

        Args:
            path: Where to save it.
            overwrite: Whether to replace a file that this designer did not write.

        Raises:
            InputError: If there is no design.
            OutputPathError: If the file exists, or cannot be written there.
        """
        return self._versions.save(path, overwrite=overwrite)

    def _begin(self, image: Image.Image) -> Image.Image:
        self._offered = []
        self._versions.begin(image)
        return image
