"""Every error that SeedX SDK raises on purpose.

    SeedXError
      InputError (also a ValueError)        what you passed in cannot be used
        ImageError                          an image that cannot be opened
        PromptError                         a prompt, phrase, instruction or conversation
        SizeError                           the size of an image to draw
        SpecialistMissingError              a specialist that the model does not have
        OutputPathError                     a file that cannot be written
        TemplateError                       a slide template that cannot be filled
      AnswerFormatError                     an answer that does not fit its JSON schema
      ModelError                            the model itself
        WeightsMissingError                 a weight file or its directory is not there
        WeightsCorruptError                 a weight file is cut short or has another hash
      ServiceError                          a running service could not finish the request
        OverloadedError                     it has no place now; try again after `retry_after` seconds
        DeadlineError                       the request's deadline passed first
        DeviceMemoryError                   the request does not fit the device's memory
      GenerationCancelled                   the caller's cancel function answered True
      MissingExtraError (also an ImportError)   an optional part is not installed

A message says what was wrong with the value seen, what is allowed, and the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

__all__ = [
    "AnswerFormatError",
    "DeadlineError",
    "DeviceMemoryError",
    "GenerationCancelled",
    "ImageError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "OutputPathError",
    "OverloadedError",
    "PromptError",
    "SeedXError",
    "ServiceError",
    "SizeError",
    "SpecialistMissingError",
    "TemplateError",
    "WeightsCorruptError",
    "WeightsMissingError",
    "needs_extra",
]


class SeedXError(Exception):
    """The root: catch it to catch everything that this package raises on purpose."""


class InputError(SeedXError, ValueError):
    """An argument cannot be used; nothing was computed or written.

    Args:
        message: What is wrong with it.
        param: Name of the argument, where it is a single one.
    """

    def __init__(self, message: object = "", *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class ImageError(InputError):
    """An image is missing, of a format that is not allowed, too large, or damaged."""


class PromptError(InputError):
    """A text is empty, too long, not text, or a conversation has no question."""


class SizeError(InputError):
    """The size of an image to draw is out of bounds or not a multiple of 8."""


class SpecialistMissingError(InputError):
    """The model has no specialist of this name, or lacks the one that a call needs."""


class OutputPathError(InputError):
    """A result cannot be written where it was asked for."""


class TemplateError(InputError):
    """A slide template has no layout that can hold a title and a body."""


class AnswerFormatError(SeedXError):
    """The model's answer does not fit the JSON schema that it was held to; another seed may give one that does."""


class ModelError(SeedXError):
    """The model cannot be used as it stands on disk."""


class WeightsMissingError(ModelError):
    """A model directory, or a file that its config.json lists, is not there."""


class WeightsCorruptError(ModelError):
    """A weight file is cut short, or its hash is not the one in config.json."""


class ServiceError(SeedXError):
    """A running service could not finish the request: it was closed, or the computation failed."""


class OverloadedError(ServiceError):
    """A service has no place now: its queue is full, or it is being started again; nothing was computed."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        """Say when a place may be free: `retry_after` seconds from now, an estimate."""
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[[str], OverloadedError], tuple[str]]:
        """Pickle it whole, for it may come from another process."""
        return partial(OverloadedError, retry_after=self.retry_after), (str(self),)


class DeadlineError(ServiceError):
    """The deadline of the request passed before it was finished."""


class DeviceMemoryError(ServiceError):
    """The request does not fit the device's memory, not even in a smaller batch."""


class GenerationCancelled(SeedXError):
    """The call stopped because its cancel function answered True."""


class MissingExtraError(SeedXError, ImportError):
    """A library of an optional extra is not installed; the message is the pip line."""

    def __init__(self, extra: str, package: str) -> None:
        """Name the extra that brings `package`."""
        super().__init__(f"the '{package}' package is not installed; install it with: pip install 'seedx-sdk[{extra}]'")
        self.extra, self.package = extra, package

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Pickle it whole, for it may come from another process."""
        return MissingExtraError, (self.extra, self.package)


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a library that is missing inside the block into the error that names the extra.

    Raises:
        MissingExtraError: If an import of a package that is not ours failed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("seedx_"):
            raise
        raise MissingExtraError(extra, error.name.partition(".")[0]) from error
