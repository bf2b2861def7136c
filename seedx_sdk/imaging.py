"""Images in and out: the only place where untrusted image bytes are decoded.

Every image that a user passes goes through `open_image` (called by the client and by the types).
"""

from __future__ import annotations

import base64
import binascii
import math
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

from PIL import ExifTags, Image, ImageOps

from seedx_sdk.errors import ImageError
from seedx_sdk.files import check_output_path, write_file

__all__ = [
    "ALLOWED_FORMATS",
    "IMAGE_SUFFIXES",
    "MODEL_PIXELS",
    "ImageLimits",
    "ImageSource",
    "image_size",
    "is_data_uri",
    "open_for_model",
    "open_image",
    "save_image",
    "to_data_uri",
    "to_png",
]

ALLOWED_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

ImageSource: TypeAlias = Image.Image | str | os.PathLike[str] | bytes
"""A PIL image, a path, the bytes of an image file, or a data URI."""

MODEL_PIXELS = 2048 * 2048
"""Pixels that are kept of an image for the model: as many as the largest image that it draws (`ModelInfo.max_size`) and
five times what it reads of one (4 cells of 448 x 448)."""

_SUFFIX_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
IMAGE_SUFFIXES = tuple(_SUFFIX_FORMATS)
"""Names that `save_image` writes."""
_SCALABLE = ("RGB", "L", "RGBA", "LA", "CMYK", "YCbCr")
"""Modes whose values may be averaged."""
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_DATA_HEADER = re.compile(r"data:\s*(image/[^;,]*|application/octet-stream|)(;[^;,]*)*;\s*base64\s*", re.IGNORECASE)
"""Of a data URI; what kind of image it is, its bytes say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageLimits:
    """What is refused before a pixel is decoded."""

    max_bytes: int = 32 * 1024 * 1024
    """Size of the image file."""
    max_pixels: int = 40_000_000
    """Width times height."""
    max_aspect: float = 20.0
    """Longer side over shorter side: the model looks at up to four square tiles, a sliver would be all padding."""


_DEFAULT_LIMITS = ImageLimits()


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)


def open_image(
    source: ImageSource,
    *,
    limits: ImageLimits = _DEFAULT_LIMITS,
    on_warning: Callable[[str], None] = _warn,
    keep_alpha: bool = False,
) -> Image.Image:
    """Return the image as upright 8-bit RGB; transparent parts become white, animations their first frame.

    Args:
        source: A PIL image, a path, the bytes of an image file, or a data URI.
        limits: What is refused before decoding.
        on_warning: Receives a sentence when only a part of the image is used.
        keep_alpha: Whether an image with transparent parts stays RGBA.

    Raises:
        ImageError: If the source is missing, of another format, over a limit, or damaged.
    """
    image, name = _checked(source, limits)
    return _decode(image, name, on_warning, keep_alpha)


def open_for_model(
    source: ImageSource, *, limits: ImageLimits = _DEFAULT_LIMITS, on_warning: Callable[[str], None] = _warn
) -> tuple[Image.Image, tuple[int, int]]:
    """Return what `open_image` returns, scaled down to MODEL_PIXELS, and the width and height of the whole image.

    An image with more pixels is scaled down while it is decoded, in its proportions; smaller ones stay as they are.

    Args:
        source: As for `open_image`.
        limits: What is refused before decoding.
        on_warning: Receives a sentence when only a part of the image is used.

    Raises:
        ImageError: If the source is missing, of another format, over a limit, or damaged.
    """
    image, name = _checked(source, limits)
    size, kept = _upright_size(image), _kept_size(image)
    if kept is not None and image is not source:
        image.draft(None, kept)  # a JPEG is decoded at a half, a quarter or an eighth of its sides
    return _decode(image, name, on_warning, keep_alpha=False, size=kept), size


def image_size(source: ImageSource, *, limits: ImageLimits = _DEFAULT_LIMITS) -> tuple[int, int]:
    """Return width and height of the image that `open_image` returns; no pixel is decoded.

    Raises:
        ImageError: If the source is missing, of another format, or over a limit.
    """
    return _upright_size(source if isinstance(source, Image.Image) else _opened(source, limits)[0])


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if image.format == "TIFF":  # Pillow turns it while it is decoded, and tells its size after that
        return width, height
    turned = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1) >= 5  # a PNG's own getexif decodes it
    return (height, width) if turned else (width, height)


def _checked(source: ImageSource, limits: ImageLimits) -> tuple[Image.Image, str]:
    """Return an image that is within the limits, not decoded unless it was, and its name for messages."""
    if not isinstance(source, Image.Image):
        return _opened(source, limits)
    _check_size(source, limits, "the given image")
    return source, "the given image"


def _opened(source: str | os.PathLike[str] | bytes, limits: ImageLimits) -> tuple[Image.Image, str]:
    """Return the image of a source, not decoded yet, and its name for messages."""
    data, name = _read(source, limits)
    if not data:
        raise ImageError(f"{name} is empty (0 bytes); pass a {_allowed()} image")
    if len(data) > limits.max_bytes:
        raise ImageError(
            f"{name} is over {limits.max_bytes / 2**20:.0f} MiB, the most that is opened; scale it down or compress it"
        )
    try:
        image = Image.open(BytesIO(data), formats=ALLOWED_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: {_too_many_pixels(limits)}") from error
    except Exception as error:  # decoders of damaged files raise many kinds
        raise ImageError(f"{name} is not a readable image; allowed are {_allowed()}: convert it first") from error
    _check_size(image, limits, name)
    return image, name


def _allowed() -> str:
    return ", ".join(ALLOWED_FORMATS)


def _too_many_pixels(limits: ImageLimits) -> str:
    return f"more than {limits.max_pixels / 1e6:.0f} million pixels, the most that is decoded; scale it down"


def _read(source: str | os.PathLike[str] | bytes, limits: ImageLimits) -> tuple[bytes, str]:
    """At most `max_bytes` + 1 bytes of the source, and its name for messages."""
    if isinstance(source, bytes):
        return source, "the given image file"
    if isinstance(source, str):
        if is_data_uri(source):
            return _read_data_uri(source, limits), "the data URI"
        if _URL.match(source):
            raise ImageError(f"{source[:80]!r} is a URL, and URLs are not opened; download it and pass the file's path")
    elif not isinstance(source, os.PathLike):
        raise ImageError(f"an image cannot be a {type(source).__name__}; pass a PIL image, a path, bytes or a data URI")
    return _read_file(Path(source), limits)


def is_data_uri(text: str) -> bool:
    """Return whether a text is a data URI, of an image or of something else."""
    return text[:5].lower() == "data:"


def _read_data_uri(uri: str, limits: ImageLimits) -> bytes:
    header, comma, payload = uri.partition(",")
    if not comma or not _DATA_HEADER.fullmatch(header):
        raise ImageError(f"the data URI starts with {header[:40]!r}; it must start with data:image/...;base64,")
    if len(payload) * 3 // 4 > limits.max_bytes + 2:
        return bytes(limits.max_bytes + 1)
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        pass
    plain = "".join(unquote(payload).split()).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"the data URI is not valid base64 ({error}); encode the file again") from error


def _read_file(path: Path, limits: ImageLimits) -> tuple[bytes, str]:
    shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}..."
    try:
        if path.is_dir():
            raise ImageError(f"'{shown}' is a directory; pass the path of one {_allowed()} file")
        if not path.exists():
            raise ImageError(f"no image at '{shown}'; check the path (it is relative to {Path.cwd()})")
        if not path.is_file():
            raise ImageError(f"'{shown}' is not a regular file; pass the path of one {_allowed()} file")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1), f"'{shown}'"
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"cannot read '{shown}' ({error}); check the path and its permissions") from error


def _check_size(image: Image.Image, limits: ImageLimits, name: str) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageError(f"{name} is {width}x{height}; both sides must be at least 1 pixel")
    if width * height > limits.max_pixels:
        raise ImageError(f"{name} is {width}x{height}: {_too_many_pixels(limits)}")
    if max(width, height) > limits.max_aspect * min(width, height):
        raise ImageError(
            f"{name} is {width}x{height}, longer than {limits.max_aspect:.0f}:1, and would be seen as a thin line; "
            "crop it into pieces of at most that shape"
        )


def _kept_size(image: Image.Image) -> tuple[int, int] | None:
    """Return the size to which an image is scaled down for the model; None: it keeps its size."""
    width, height = image.size
    if width * height <= MODEL_PIXELS:
        return None
    scale = math.sqrt(MODEL_PIXELS / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _decode(
    image: Image.Image,
    name: str,
    on_warning: Callable[[str], None],
    keep_alpha: bool,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    try:
        # an MPO is a JPEG that carries previews of itself
        several = getattr(image, "is_animated", False) and image.format != "MPO"
        image.load()
        if size is not None:
            image = _scaled(image, size, name, keep_alpha)
        picture = _to_8_bit(ImageOps.exif_transpose(image), name, keep_alpha)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged files raise many kinds
        raise ImageError(f"{name} is damaged or cut short ({error}); get a whole copy of the file") from error
    if several:
        on_warning(f"{name} has several frames; only the first is used")
    return picture


def _scaled(image: Image.Image, size: tuple[int, int], name: str, keep_alpha: bool) -> Image.Image:
    """Return a decoded image in another size, before it is turned upright."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if image.mode not in _SCALABLE or "transparency" in image.info:
        image = _to_8_bit(image, name, keep_alpha)
    scaled = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    scaled.info["exif"] = exif.tobytes()  # of a TIFF it is not in the info
    return scaled


def _to_8_bit(image: Image.Image, name: str, keep_alpha: bool) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_16_bit(image, name)
    if image.mode == "F":
        raise ImageError(f"{name} has floating-point pixels without a known range; save it with 8 or 16 bits")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        if keep_alpha and layer.getchannel("A").getextrema() != (255, 255):
            return layer
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _from_16_bit(image: Image.Image, name: str) -> Image.Image:
    """16-bit gray to 8-bit RGB: 65535 becomes 255."""
    wide = image.convert("I")
    extrema = wide.getextrema()
    low, high = extrema[0], extrema[1]
    if not (isinstance(low, int | float) and isinstance(high, int | float) and low >= 0 and high <= 65535):
        raise ImageError(f"{name} has pixel values {low}..{high}, outside 0..65535; save it with 8 or 16 bits")
    return wide.point(lambda value: value * (1 / 257) + 0.5).convert("L").convert("RGB")


def to_png(image: Image.Image) -> bytes:
    """Return the image as the bytes of a PNG file."""
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def to_data_uri(image: Image.Image) -> str:
    """Return the image as data:image/png;base64,..."""
    return "data:image/png;base64," + base64.b64encode(to_png(image)).decode("ascii")


def save_image(image: Image.Image, path: str | os.PathLike[str]) -> Path:
    """Write the image as a whole or not at all; the suffix chooses PNG, JPEG or WEBP.

    Raises:
        OutputPathError: If the suffix is another one, or the file cannot be written there.
    """
    check_output_path(path, IMAGE_SUFFIXES)
    buffer = BytesIO()
    image.convert("RGB").save(buffer, format=_SUFFIX_FORMATS[Path(path).suffix.lower()])
    return write_file(path, buffer.getvalue())
