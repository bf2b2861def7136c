"""Read the image and CSV files that an outline names, where the caller allows it.

An outline may come from a language model, so no file is read unless the caller names a directory, or a function that
decides about each name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.types import EditedImage, GeneratedImage, TryOnImage
from seedx_tools.decks.outline import SlidePlan, TableData
from seedx_tools.decks.tables import chart_of, read_table
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.illustration.illustrator import Illustration
from seedx_tools.illustration.image_files import ImageFile, read_image_file, words_in_name
from seedx_tools.text_encoding import decode_text

_MIN_SIDE_PX = 8
"""A picture with fewer pixels along a side is a dot, a rule or a tracking pixel."""
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_MAX_CSV_BYTES = 1024 * 1024


GivenImage: TypeAlias = ImageSource | GeneratedImage | EditedImage | TryOnImage
"""An image for a slide: a PIL image, a file, its bytes, or what a call of the model returned."""
FindFile: TypeAlias = Callable[[str], GivenImage]
"""Returns the image, or the path of the file, that a name in an outline means; raises InputError if it may not be."""
SlideFiles: TypeAlias = str | os.PathLike[str] | Mapping[str, GivenImage] | FindFile
"""The directory of the files that slides name, or images by the names that slides use for them, or what finds them."""


class OutlineFiles:
    """Opens the files that slides name.

    Args:
        files: The directory where they are, images by name, or a function that finds them; None: no file is read.
        warn: Called with one sentence for each file that cannot be used.

    Raises:
        InputError: If the directory does not exist.
    """

    def __init__(self, files: SlideFiles | None, warn: Callable[[str], None]) -> None:
        self._find = _finder(files)
        self._warn = warn
        self._read: dict[str, tuple[Image.Image, ImageFile | None]] = {}

    def illustration(self, plan: SlidePlan, where: str) -> Illustration | None:
        """Return the image file that a slide names; None if it names none, or with a warning if it cannot be used."""
        return (
            self._illustration(plan.picture_file, plan.picture_alt or plan.picture or "", plan, where)
            if plan.picture_file
            else None
        )

    def gallery(self, plan: SlidePlan, where: str) -> list[Illustration]:
        """Return the further image files of a slide; those that cannot be used are left out with a warning."""
        found = (self._illustration(picture.file, picture.alt, plan, where) for picture in plan.gallery)
        return [illustration for illustration in found if illustration is not None]

    def _illustration(self, name: str, alt: str, plan: SlidePlan, where: str) -> Illustration | None:
        try:
            if name not in self._read:
                self._read[name] = self._open(name, lambda text: self._warn(f"{where}: {text}"))
            image, file = self._read[name]
            if file is not None and min(file.size) < _MIN_SIDE_PX and not file.svg:
                raise InputError(f"it has only {file.size[0]} x {file.size[1]} pixels, too few to be seen")
        except SeedXError as error:
            self._warn(f"{where}: the image file '{name}' was not used: {error}")
            return None
        if not alt and not words_in_name(name):
            self._warn(f"{where}: '{name}' has no description; write ![what it shows]({name}) for screen readers")
        return Illustration(image, alt or words_in_name(name) or plain_text(plan.title), file)

    def _open(self, name: str, warn: Callable[[str], None]) -> tuple[Image.Image, ImageFile | None]:
        if Path(name).suffix.lower() in _WORKBOOKS:
            raise InputError("it is a workbook; save the sheet as .csv, or make the deck from the file itself")
        given = self._find(name)
        if isinstance(given, GeneratedImage | EditedImage | TryOnImage):
            if given.image is None:
                raise InputError(f"the result given for '{name}' has no image; generate it with force_image=True")
            given = given.image
        if isinstance(given, os.PathLike):
            return read_image_file(Path(given), warn)
        return open_image(given, on_warning=warn, keep_alpha=True), None

    def with_data(self, plan: SlidePlan, where: str) -> SlidePlan:
        """Return the plan with the data of its CSV files; a table or chart that cannot be read is left out."""
        changes: dict[str, object] = {}
        try:
            if plan.table is not None and plan.table.csv:
                changes["table"] = None
                changes["table"] = self._table(plan.table.csv)
            if plan.chart is not None and plan.chart.csv:
                changes["chart"] = None
                name = plan.chart.csv
                chart = plan.chart
                changes["chart"] = chart_of(
                    self._table(name), chart.kind, chart.title, f"'{name}'", lambda text: self._warn(f"{where}: {text}")
                )
        except InputError as error:
            self._warn(f"{where}: its data was left out: {error}")
        return plan.model_copy(update=changes) if changes else plan

    def _table(self, name: str) -> TableData:
        found = self._find(name)
        if not isinstance(found, os.PathLike):
            raise InputError(f"'{name}' is an image, not a CSV file")
        path = Path(found)
        try:
            if path.stat().st_size > _MAX_CSV_BYTES:
                raise InputError(f"'{name}' is larger than {_MAX_CSV_BYTES // 1024} KB; keep the lines that matter")
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"'{name}' cannot be read ({error.strerror})") from error
        return read_table(decode_text(data, f"'{name}'", self._warn), f"'{name}'", self._warn)


def _finder(files: SlideFiles | None) -> FindFile:
    """Return what finds the files of slides."""
    if files is None:
        return _nothing_is_read
    if isinstance(files, Mapping):
        return partial(_named, files)
    if callable(files):
        return files
    directory = Path(files).resolve()
    if not directory.is_dir():
        raise InputError(f"files='{files}' is not a directory; give the one of the outline's images and CSV files")
    return partial(_inside, directory)


def _nothing_is_read(name: str) -> GivenImage:
    raise InputError(f"no file is read without its directory; pass files= with the directory of '{name}'")


def _named(images: Mapping[str, GivenImage], name: str) -> GivenImage:
    if name not in images:
        raise InputError(f"files= has no image '{name}', only {', '.join(map(repr, images))}")
    return images[name]


def _inside(directory: Path, name: str) -> Path:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory):
        raise InputError(f"'{name}' is outside the directory '{directory}'")
    return path
