"""What a .pptx is when it is unpacked: its bytes, its XML and the pixels of its pictures; no pixel is decoded."""

from __future__ import annotations

import os
import sys
import zipfile
from contextlib import suppress
from dataclasses import dataclass

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, image_size

__all__ = ["UnpackedSize", "unpacked_size"]

_ANY = ImageLimits(max_bytes=sys.maxsize, max_pixels=sys.maxsize, max_aspect=sys.maxsize)


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
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            is_xml = {part: part.filename.lower().endswith((".xml", ".rels")) for part in parts}
            num_bytes = sum(part.file_size for part in parts)
            num_xml_bytes = sum(part.file_size for part in parts if is_xml[part])
            pixels: list[int] = []
            for part in parts if num_bytes <= max_bytes else ():
                if not is_xml[part]:
                    with suppress(ImageError):  # it is no picture
                        width, height = image_size(package.read(part), limits=_ANY)
                        pixels.append(width * height)
    except Exception:  # zipfile and its decoders raise many types for a damaged file
        return UnpackedSize()
    return UnpackedSize(num_bytes, num_xml_bytes, tuple(pixels))
