"""Image files as documents embed them: upright, in a format that all programs show, no larger than they appear."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import ExifTags, Image

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, open_image
from seedx_tools.illustration.svg import rasterize, safe_svg

SHOWN_PPI = 220
"""Pixels per inch of an embedded photo, as it is shown: PowerPoint's own default for pictures."""

_LIMITS = ImageLimits(max_bytes=64 * 1024 * 1024, max_pixels=120_000_000, max_aspect=50.0)
"""Photos of large cameras are scaled down, so more is read than a model would look at."""
_MAX_SVG_BYTES = 8 * 1024 * 1024
_MAX_SIDE_PX = 3000
"""What is kept of a larger image: it fills a page at SHOWN_PPI."""
_SPARED = 1.25
"""An image is scaled only if it has more than this many times the pixels that are shown, along a side."""
_JPEG_QUALITY = 90
_KEPT_MODES = ("RGB", "L", "P", "1", "RGBA", "LA")
"""The modes of files that are embedded as they are; others, such as CMYK, get wrong colors in some programs."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """What an image was read from."""

    size: tuple[int, int]
    """Its width and height in pixels, upright."""
    format: Literal["JPEG", "PNG"]
    """The format that it is embedded in."""
    data: bytes = b""
    """The file itself, where it can be embedded as it is; else empty."""
    svg: bytes = b""
    """The drawing, if it is one; it has no size in pixels of its own."""


def read_image_file(path: Path, warn: Callable[[str], None]) -> tuple[Image.Image, ImageFile]:
    """Return an upright image, RGBA if it has transparent parts, and the file that it was read from.

    Args:
        path: A PNG, JPEG, WEBP, GIF, BMP, TIFF or SVG file.
        warn: Called with one sentence if only a part of the image is used.

    Raises:
        ImageError: If the file is missing, damaged, too large, of another format, or a drawing that reaches outside
            itself.
    """
    if path.suffix.lower() == ".svg" and path.is_file():
        if path.stat().st_size > _MAX_SVG_BYTES:
            raise ImageError(f"'{path.name}' is over {_MAX_SVG_BYTES / 2**20:.0f} MiB; simplify the drawing")
        drawing = safe_svg(path.read_bytes(), f"'{path.name}'")
        image = rasterize(drawing, f"'{path.name}'")
        return image, ImageFile(image.size, "PNG", svg=drawing)
    image = open_image(path, limits=_LIMITS, on_warning=warn, keep_alpha=True)
    data = path.read_bytes()
    size = image.size
    with Image.open(io.BytesIO(data)) as opened:
        plain = opened.format in ("JPEG", "PNG") and opened.mode in _KEPT_MODES and _is_upright(opened)
        lossy = opened.format in ("JPEG", "MPO", "WEBP") and image.mode == "RGB"
        if opened.mode == "CMYK":  # the profile describes inks
            image.info.pop("icc_profile", None)
    if max(size) > _MAX_SIDE_PX:
        profile = image.info.get("icc_profile")
        image.thumbnail((_MAX_SIDE_PX, _MAX_SIDE_PX), Image.Resampling.LANCZOS)
        image.info = {} if profile is None else {"icc_profile": profile}
    return image, ImageFile(size, "JPEG" if lossy else "PNG", data=data if plain else b"")


def embeddable(image: Image.Image, file: ImageFile, shown_inches: tuple[float, float]) -> bytes:
    """Return the bytes to embed for an image that is shown at this size: the file's own, unless it is far larger."""
    wanted = math.ceil(shown_inches[0] * SHOWN_PPI), math.ceil(shown_inches[1] * SHOWN_PPI)
    too_large = file.size[0] > _SPARED * wanted[0] and file.size[1] > _SPARED * wanted[1]
    if file.data and not too_large:
        return file.data
    profile = image.info.get("icc_profile")
    if too_large and image.width > wanted[0] and not file.svg:
        image = image.resize(wanted, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    options = {"quality": _JPEG_QUALITY} if file.format == "JPEG" else {"optimize": True}
    image.save(buffer, file.format, icc_profile=profile, **options)
    scaled = buffer.getvalue()
    return file.data if file.data and len(file.data) <= len(scaled) else scaled


def _is_upright(image: Image.Image) -> bool:
    return bool(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1) == 1)


def words_in_name(name: str | os.PathLike[str]) -> str:
    """Return the words of a file name ("boat-school.png" gives "boat school"); empty if it says nothing."""
    words = Path(name).stem.replace("-", " ").replace("_", " ").split()
    telling = [word for word in words if word.isalpha() and len(word) > 1 and word.lower() not in _SAY_NOTHING]
    return " ".join(words) if telling and len(telling) == len(words) else ""


_SAY_NOTHING = frozenset("img image images dsc dscn pic picture pictures photo photos screenshot untitled copy".split())
