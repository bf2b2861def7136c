"""The budget of one request: what it may send and ask for, checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seedx_sdk.engine.token_count import count_prompt
from seedx_sdk.errors import InputError, PromptError
from seedx_sdk.serve.access.limits import Work
from seedx_sdk.serve.pending_call import PendingCall
from seedx_sdk.serve.settings import ServerSettings
from seedx_sdk.types import ModelInfo, Request

__all__ = ["RequestBudget"]

_MAX_CHARS = 200_000
"""Of all texts of a conversation: ten times what fits the context of the released models, 4,096 tokens. Splitting them
into tokens takes up to 0.3 seconds on a CPU, during which nobody else is answered."""


class RequestBudget:
    """Checks requests against the limits of a server.

    Args:
        settings: Has the limits.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings

    def check(self, calls: Iterable[PendingCall[Any]], info: ModelInfo, *, steps: float = 0.0) -> float:
        """Check the calls that one request makes, all together, and return the steps that they may take.

        Args:
            calls: Those that are about to begin.
            info: Of the model.
            steps: Of earlier calls of the request.

        Raises:
            InputError: If one has too many images, or they ask for too many steps.
        """
        for call in calls:
            allowed = self._settings.max_images
            if len(call.images) > allowed:
                raise InputError(
                    f"{len(call.images)} images are too many for one request; at most {allowed} are allowed",
                    param=call.images_param,
                )
            steps += Work.most(call.task, call.options, info).steps
        if steps > self._settings.max_steps:
            raise InputError(
                f"the request asks for {steps:.0f} denoising steps, counted at {info.image_size}x{info.image_size} for "
                f"all of its images, and at most {self._settings.max_steps} are allowed: ask for fewer images, fewer "
                "steps or a smaller size",
                param="num_inference_steps",
            )
        return steps

    def check_pixels(self, pixels: Sequence[int], param: str | None) -> None:
        """Check the pixels of each image of a request.

        Raises:
            InputError: If they are too many together.
        """
        total, allowed = sum(pixels), self._settings.max_pixels
        if total > allowed:
            raise InputError(
                f"the images of the request have {total / 1e6:.1f} million pixels, and at most {allowed / 1e6:.1f} "
                "million are allowed: scale them down, or send fewer",
                param=param,
            )

    def check_unpacked(self, num_bytes: int, num_xml_bytes: int, param: str | None) -> None:
        """Check what the files of a request, such as decks, unpack to, all together.

        Raises:
            InputError: If it is more than twice, or their XML more than half, of the largest body.
        """
        allowed = self._settings.max_body_bytes
        if num_bytes > 2 * allowed or num_xml_bytes > allowed // 2:
            raise InputError(
                f"the files of the request unpack to {num_bytes / 2**20:.1f} MiB, {num_xml_bytes / 2**20:.1f} MiB of "
                f"it XML, and at most {2 * allowed / 2**20:.1f} MiB with {allowed / 2**21:.1f} MiB of XML are allowed: "
                "compress the pictures, or split the deck",
                param=param,
            )

    def check_text(self, request: Request) -> None:
        """Check the length of all texts of a conversation, before they are split into tokens.

        Raises:
            PromptError: If they are too long.
        """
        length = sum(len(message.text) for message in request.messages)
        if length > _MAX_CHARS:
            raise PromptError(
                f"the texts of the conversation have {length} characters together, and at most {_MAX_CHARS} are read: "
                "shorten them, or leave out messages"
            )

    def check_prompt(self, request: Request, engine: object) -> None:
        """Check how many tokens the model would read.

        Raises:
            PromptError: If they are too many.
        """
        allowed = self._settings.max_prompt_tokens
        if allowed is not None and (tokens := count_prompt(engine, request)) > allowed:
            raise PromptError(
                f"the prompt has {tokens} tokens, its images included, and at most {allowed} are allowed: shorten the "
                "texts, or send fewer messages or images"
            )
