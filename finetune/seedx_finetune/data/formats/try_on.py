"""Virtual try-on: a person, a garment, and the person in the garment: VITON-HD and DressCode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from PIL import Image
from pydantic import Field
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ReadImage
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import IMAGE, OPTIONS, attempt, open_reference, with_images
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.model.grids import EDIT_GRIDS

__all__ = ["TryOn"]

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are outside."""

_VITON_LABELS = (5, 6, 7)
"""Upper clothes, dress and coat in image-parse-v3, which has the labels of LIP."""
_DRESS_CODE_LABELS = {"upper_body": (4,), "lower_body": (5, 6), "dresses": (7,)}
"""Upper clothes; skirt and pants; dress in label_maps."""


class Pair(NamedTuple):
    """The files of a record, relative to the source."""

    figure: str
    garment: str
    mask: str
    labels: tuple[int, ...] | None
    """Values of the mask that are the garment; None are the bright ones."""


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class TryOn:
    """Pairs of a figure and the garment that it wears, in the directories of VITON-HD or DressCode.

    VITON-HD: SPLIT_pairs.txt, a line "00000_00.jpg 00000_00.jpg" for each figure and garment; SPLIT/image, SPLIT/cloth,
    and where the garment is: SPLIT/agnostic-mask/00000_00_mask.png (white), or else SPLIT/image-parse-v3/00000_00.png
    (its labels of garments). DressCode: upper_body, lower_body and dresses, or some of them, each with SPLIT_pairs.txt,
    a line "000000_0.jpg 000000_1.jpg", images, and label_maps/000000_4.png.

    A sample reads the figure with the garment's region blanked, then the garment, and draws the figure; the
    de-tokenizer starts from the blanked figure. The region is the box around the garment, widened by `margin`: a box,
    because in use the region is one too. Only pairs in which the figure wears the garment have an image to draw.

    VITON-HD is under CC BY-NC 4.0; DressCode is for academic research only, on request.
    """

    name: ClassVar[str] = "try_on"

    layout: Literal["viton_hd", "dress_code"] = "viton_hd"
    split: Annotated[str, Field(pattern=r"^\w+$")] = "train"
    """Which pairs file, and for VITON-HD which directory."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Added on each side of the garment's box, as part of the box's side. Ours."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the pairs files."""
        path = path.absolute()
        categories = ("",) if self.layout == "viton_hd" else tuple(_DRESS_CODE_LABELS)
        files = {category: path / category / f"{self.split}_pairs.txt" for category in categories}
        if not any(file.is_file() for file in files.values()):
            names = " or ".join(file.relative_to(path).as_posix() for file in files.values())
            raise DataError(f"{path} has no {names}; give the root of the data set, its layout and its split")
        for category, file in files.items():
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else ()
            for number, line in enumerate(lines, start=1):
                name = f"{file.relative_to(path).as_posix()}:{number}"
                yield attempt(name, self._row, path, category, line)

    def _row(self, path: Path, category: str, line: str) -> Row:
        pair = self._viton_hd(path, line) if self.layout == "viton_hd" else self._dress_code(category, line)
        figure, garment = (open_reference(path / name, name) for name in (pair.figure, pair.garment))
        region = self._region(path / pair.mask, pair, (figure.width, figure.height))
        return {"images": [image_to_row(figure), image_to_row(garment)], "region": region}

    def document(self, row: Row, draws: Draws) -> Document:  # noqa: ARG002 -- nothing is left to chance
        """Return the request with the blanked figure and the garment, then the figure to draw."""
        figure, garment = (image_from_row(image) for image in row["images"])
        x0, y0, x1, y1 = row["region"]
        blanked = replace(figure, blank=(x0, y0, x1, y1))
        request = prompts.instruct(prompts.try_on_request(), IMAGE * 2)
        read = (ReadImage(blanked, EDIT_GRIDS), ReadImage(garment, EDIT_GRIDS))
        return *with_images(request, *read), DrawImage(figure, condition=blanked)

    def _viton_hd(self, path: Path, line: str) -> Pair:
        figure, garment = _two_names(line)
        if figure != garment:
            raise DataError(f"{figure} does not wear {garment}, so there is no image to draw; list paired images only")
        stem = figure.rpartition(".")[0]
        if (path / self.split / "agnostic-mask").is_dir():
            mask, labels = f"{self.split}/agnostic-mask/{stem}_mask.png", None
        else:
            mask, labels = f"{self.split}/image-parse-v3/{stem}.png", _VITON_LABELS
        return Pair(f"{self.split}/image/{figure}", f"{self.split}/cloth/{garment}", mask, labels)

    def _dress_code(self, category: str, line: str) -> Pair:
        figure, garment = _two_names(line)
        stem = figure.rpartition("_")[0]
        if stem != garment.rpartition("_")[0]:
            raise DataError(f"{figure} does not wear {garment}, so there is no image to draw; list paired images only")
        images, mask = f"{category}/images", f"{category}/label_maps/{stem}_4.png"
        return Pair(f"{images}/{figure}", f"{images}/{garment}", mask, _DRESS_CODE_LABELS[category])

    def _region(self, path: Path, pair: Pair, size: tuple[int, int]) -> Region:
        """Return the widened box around the garment."""
        garment = _garment(path, pair, size)
        rows, columns = np.flatnonzero(garment.any(axis=1)), np.flatnonzero(garment.any(axis=0))
        if not len(rows):
            raise DataError(
                f"mask {pair.mask} shows no garment ({f'labels {pair.labels}' if pair.labels else 'white'})"
            )
        x0, x1, y0, y1 = (int(value) for value in (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1))
        wide, high = round((x1 - x0) * self.margin), round((y1 - y0) * self.margin)
        return max(0, x0 - wide), max(0, y0 - high), min(size[0], x1 + wide), min(size[1], y1 + high)


def _garment(path: Path, pair: Pair, size: tuple[int, int]) -> np.ndarray:
    """Return (H, W) booleans, true where the garment is. Label maps have a palette, or are gray."""
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as mask:
            values = np.asarray(mask if pair.labels is not None and mask.mode == "P" else mask.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"mask {pair.mask}: {error}") from error
    if values.shape != size[::-1]:
        raise DataError(
            f"mask {pair.mask} has {values.shape[::-1]} pixels and the figure {size}; they must be of one size"
        )
    return values > 127 if pair.labels is None else np.isin(values, pair.labels)


def _two_names(line: str) -> tuple[str, str]:
    names = line.split()
    if len(names) not in (2, 3):  # the pairs of all of DressCode name the category too
        raise DataError(f"{line!r} must be the names of a figure and a garment")
    return names[0], names[1]
