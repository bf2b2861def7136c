"""A brand: the colors, fonts, logo and footer of a company, for decks without a PowerPoint template."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Self

from PIL import Image, ImageColor
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from seedx_sdk.errors import ImageError, InputError
from seedx_sdk.imaging import open_image
from seedx_sdk.types import ImageField
from seedx_tools.decks.footer import FooterChoice
from seedx_tools.illustration.image_files import read_image_file

_MAX_BYTES = 20 * 1024 * 1024
"""A brand file is small, even with a logo inside."""


def _hex(text: str) -> str:
    """Return RRGGBB of a color that is written in one of the ways of the web, or as six bare digits."""
    bare = text.strip()
    try:
        rgb = ImageColor.getrgb(f"#{bare}" if len(bare) == 6 and not bare.startswith("#") and _is_hex(bare) else bare)
    except ValueError:
        raise ValueError(f"'{text[:40]}' is not a color; write it as #0A3D62, rgb(10, 61, 98) or a CSS name") from None
    return "".join(f"{channel:02X}" for channel in rgb[:3])


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdefABCDEF" for char in text)


def _logo(value: object) -> object:
    """Return the image of a path (also of an SVG) or a data URI, with its transparent parts."""
    if value is None or isinstance(value, Image.Image):
        return value
    if not isinstance(value, str | Path):
        raise ValueError("the logo must be a PIL image, a path, or a data URI")
    try:
        if isinstance(value, str) and value.startswith("data:"):
            return open_image(value, keep_alpha=True)
        return read_image_file(Path(value), warn=list[str]().append)[
            0
        ]  # a drawing, or one of many pixels, is drawn as an image
    except ImageError as error:
        raise ValueError(f"the logo cannot be used: {error}") from error


def _several(value: object) -> object:
    """Return a tuple of one for a single text."""
    return (value,) if isinstance(value, str) else value


Color = Annotated[str, AfterValidator(_hex)]
"""A color as #RRGGBB, RRGGBB, rgb(r, g, b) or a CSS name; kept as RRGGBB."""


class Brand(BaseModel):
    """The look of a company: it recolors a built-in theme, and puts a logo on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    """Of the company; the alt text of the logo names it."""
    colors: Annotated[tuple[Color, ...], BeforeValidator(_several)] = Field(default=(), max_length=8)
    """The main color first; the others are accents. Empty: those of the theme."""
    background: Color | None = None
    """Of the pages; a dark one gets light text. None: as in the theme."""
    text: Color | None = None
    """None: as in the theme, or the darkest or lightest color that can be read."""
    fonts: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], BeforeValidator(_several)] = (
        Field(default=(), max_length=2)
    )
    """The typeface of titles, and that of text if it is another one. Empty: those of the theme."""
    logo: Annotated[ImageField | None, BeforeValidator(_logo)] = None
    """In Python a PIL image or a path, also of an SVG; in JSON a data URI; in a brand file also the name of a file."""
    footer: FooterChoice = True
    """What stands at the bottom of slides, as for make_slides."""

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the brand in a JSON file with the fields of this class.

        Args:
            path: The file. Its `logo` may name an image file in the same directory or below.

        Raises:
            InputError: If it cannot be read, is not such a file, or names a logo elsewhere.
        """
        file = Path(path)
        try:
            if file.stat().st_size > _MAX_BYTES:
                raise InputError(f"'{file}' is larger than {_MAX_BYTES // 2**20} MB, which is no brand file")
            found: Any = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"'{file}' cannot be read as JSON ({error})") from error
        if isinstance(found, dict) and isinstance(found.get("logo"), str) and not found["logo"].startswith("data:"):
            logo = (file.parent / found["logo"]).resolve()
            if not logo.is_relative_to(file.parent.resolve()):
                raise InputError(f"'{file}' names the logo '{found['logo']}'; put it into the directory of the file")
            found = {**found, "logo": logo}
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields)
                raise InputError(f"'{file}' is no brand: it has no field '{first['loc'][0]}'; use {known}") from error
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(f"'{file}' is no brand: {place}: {first['msg'].removeprefix('Value error, ')}") from error
