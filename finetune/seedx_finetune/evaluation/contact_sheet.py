"""A contact sheet of generated images with the judge's verdicts, because figures alone don't show how they look."""

from __future__ import annotations

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw

from seedx_finetune.evaluation.prompts import Prompt, Split
from seedx_sdk.imaging import save_image

_COLUMNS = 8
_CELL_PX = 128
_CAPTION_PX = 38
_GAP_PX = 6
_RIGHT, _WRONG = (30, 130, 60), (190, 40, 40)


class ContactSheet:
    """Collects the first images of each category and split, one row for each."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Split, str], list[tuple[str, Image.Image, bool]]] = {}

    def add(self, split: Split, prompt: Prompt, image: Image.Image | None, right: bool) -> None:
        """Keep an image (an empty cell where there is none) with its prompt and verdict, if its row has room."""
        row = self._rows.setdefault((split, prompt.category), [])
        if len(row) < _COLUMNS:
            shown = Image.new("RGB", (_CELL_PX, _CELL_PX)) if image is None else image.convert("RGB")
            row.append((prompt.text, shown.resize((_CELL_PX, _CELL_PX)), right))

    def save(self, path: Path) -> None:
        """Write the sheet: captions are green where the judge accepted the image and red where it didn't."""
        step_x, step_y = _CELL_PX + _GAP_PX, _CELL_PX + _CAPTION_PX
        sheet = Image.new("RGB", (_COLUMNS * step_x + _GAP_PX, len(self._rows) * step_y + _GAP_PX), "white")
        draw = ImageDraw.Draw(sheet)
        for y, row in enumerate(self._rows.values()):
            for x, (text, image, right) in enumerate(row):
                corner = (_GAP_PX + x * step_x, _GAP_PX + y * step_y)
                sheet.paste(image, corner)
                words = "\n".join(textwrap.wrap(text.removeprefix("a picture of "), 22))
                place = (corner[0], corner[1] + _CELL_PX + 2)
                draw.multiline_text(place, words, fill=_RIGHT if right else _WRONG, spacing=1)
        save_image(sheet, path)
