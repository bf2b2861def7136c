"""Decode text files: UTF-8, UTF-16 such as Excel's "Unicode Text", UTF-32 and Windows-1252."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from seedx_sdk.errors import InputError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
_MARKS_16 = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD = "cp1252"
_CONTROL = frozenset(range(32)) - {9, 10, 12, 13}


def decode_text(data: bytes, name: str, warn: Callable[[str], None]) -> str:
    """Return the bytes of a text file as text.

    Args:
        data: The bytes; a byte order mark tells UTF-8, UTF-16 or UTF-32, else they are UTF-8 or Windows-1252.
        name: The name of the file in messages.
        warn: Called with one sentence if the encoding is a guess.

    Raises:
        InputError: If the bytes are not text.
    """
    marked = next((encoding for mark, encoding in (*_MARKS, *_MARKS_16) if data.startswith(mark)), None)
    try:
        text = data.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        if marked is not None or not _CONTROL.isdisjoint(data):
            raise InputError(
                f"{name} is no text, or is damaged at byte {error.start}; save it as UTF-8 text"
            ) from error
        warn(f"{name} is not UTF-8 and was read as Windows-1252; save it as UTF-8 if letters are wrong")
        return data.decode(_OLD, errors="replace")
    if "\0" in text:
        raise InputError(f"{name} is no text; save it as UTF-8 text")
    return text
