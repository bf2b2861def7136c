"""What a .pptx is when it is unpacked: its bytes, its XML and the pixels of its pictures; no pixel is decoded."""

from __future__ import annotations

import codecs
import os
import sys
import zipfile
from contextlib import suppress
from dataclasses import dataclass

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, image_size

__all__ = ["UnpackedSize", "unpacked_size"]

_ANY = ImageLimits(max_bytes=sys.maxsize, max_pixels=sys.maxsize, max_aspect=sys.maxsize)
_HEAD = 1024
"""Bytes in which a part shows what it is; one that begins with more white space than that may be XML."""


@dataclass(frozen=True, slots=True)
class UnpackedSize:
    """How much memory a package may take."""

    num_bytes: int = 0
    """Of all parts."""
    num_xml_bytes: int = 0
    """Of those that are XML, whose tree takes many times as much memory."""
    pixels: tuple[int, ...] = ()
    """Of each picture."""


def unpacked_size(path: str | os.PathLike[str], *, max_bytes: int) -> UnpackedSize:
    """Return the size of a package; of a file that is none, nothing, as `open_deck` says what is wrong with it.

    Args:
        path: The file.
        max_bytes: If it unpacks to more, it is not unpacked, and its pictures are not counted.
    """
    num_bytes = num_xml_bytes = 0
    pixels: list[int] = []
    with suppress(Exception), zipfile.ZipFile(path) as package:  # it raises many types for a damaged file
        parts = package.infolist()
        num_bytes = sum(part.file_size for part in parts)
        for part in parts if num_bytes <= max_bytes else ():
            with suppress(Exception):  # nobody can read this part; the others count nevertheless
                content = package.read(part)
                if _may_be_xml(content):
                    num_xml_bytes += part.file_size
                else:
                    with suppress(ImageError):  # it is no picture
                        width, height = image_size(content, limits=_ANY)
                        pixels.append(width * height)
    return UnpackedSize(num_bytes, num_xml_bytes, tuple(pixels))


def _may_be_xml(content: bytes) -> bool:
    """Whether a parser might read it: what a part is called says nothing, since a package may call it as it likes."""
    beginning = content[:_HEAD].removeprefix(codecs.BOM_UTF8).lstrip()
    return not beginning or beginning.startswith((b"<", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0<"))
