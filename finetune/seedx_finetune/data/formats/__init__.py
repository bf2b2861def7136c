"""Formats of training data, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from pydantic import ValidationError

from seedx_finetune.data.formats.base import Format
from seedx_finetune.data.formats.captions import Captions
from seedx_finetune.data.formats.edits import Edits
from seedx_finetune.data.formats.grounded_captions import GroundedCaptions
from seedx_finetune.data.formats.interleaved import Interleaved
from seedx_finetune.data.formats.llava import Llava, Ocr
from seedx_finetune.data.formats.records import reason_of
from seedx_finetune.data.formats.slides import Slides
from seedx_finetune.data.formats.stories import Stories
from seedx_finetune.data.formats.text import PlainText
from seedx_finetune.data.formats.try_on import TryOn
from seedx_finetune.errors import DataError

__all__ = ["FORMATS", "make_format"]

_CLASSES = (Captions, Edits, GroundedCaptions, Interleaved, Llava, Ocr, PlainText, Slides, Stories, TryOn)

FORMATS: dict[str, Callable[..., Format]] = {cls.name: cls for cls in _CLASSES}
"""Called with the options of a source as keyword arguments."""


def make_format(name: str, options: Mapping[str, Any]) -> Format:
    """Return a format with its options.

    Raises:
        DataError: If there is no such format, or one of the options is unknown or has a value that is not allowed.
    """
    if name not in FORMATS:
        raise DataError(f"there is no format {name!r}; allowed are {', '.join(sorted(FORMATS))}")
    make = FORMATS[name]
    try:
        return make(**options)
    except ValidationError as error:
        allowed = ", ".join(sorted(signature(make).parameters)) or "no options"
        raise DataError(f"options of {name}: {reason_of(error)}; it takes {allowed}") from error
