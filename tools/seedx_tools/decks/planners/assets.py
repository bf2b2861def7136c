"""Pictures and CSV files that an outline names: read from one folder that the caller opens, and from nowhere else.

An outline may come from a language model, so without a folder no file is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.imaging import open_image
from seedx_tools.decks.outline import SlidePlan, TableData
from seedx_tools.decks.tables import chart_of, read_table

_MAX_CSV_BYTES = 1024 * 1024


class OutlineFiles:
    """Opens the files that slides name.

    Args:
        folder: Where they are; None: no file is read.
        warn: Called with one sentence for each file that cannot be used.

    Raises:
        InputError: The folder does not exist.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, warn: Callable[[str], None]) -> None:
        self._folder = None if folder is None else Path(folder).resolve()
        self._warn = warn
        if self._folder is not None and not self._folder.is_dir():
            raise InputError(f"files='{folder}' is not a folder; give the folder of the outline's pictures and tables")

    def picture(self, name: str, where: str) -> Image.Image | None:
        """Return a picture, or None with a warning."""
        try:
            return open_image(self._path(name), on_warning=lambda text: self._warn(f"{where}: {text}"))
        except SeedXError as error:
            self._warn(f"{where}: the picture file '{name}' was not used: {error}")
            return None

    def with_data(self, plan: SlidePlan, where: str) -> SlidePlan:
        """Return the plan with the data of its CSV files in place of their names; without what cannot be read."""
        changes: dict[str, object] = {}
        try:
            if plan.table is not None and plan.table.csv:
                changes["table"] = None
                changes["table"] = self._table(plan.table.csv)
            if plan.chart is not None and plan.chart.csv:
                changes["chart"] = None
                name = plan.chart.csv
                changes["chart"] = chart_of(self._table(name), plan.chart.kind, plan.chart.title, f"'{name}'")
        except InputError as error:
            self._warn(f"{where}: its data was left out: {error}")
        return plan.model_copy(update=changes) if changes else plan

    def _table(self, name: str) -> TableData:
        path = self._path(name)
        try:
            if path.stat().st_size > _MAX_CSV_BYTES:
                raise InputError(f"'{name}' is larger than {_MAX_CSV_BYTES // 1024} KB; give the lines that matter")
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise InputError(f"'{name}' cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise InputError(f"'{name}' is not UTF-8 at byte {error.start}; save it as UTF-8") from error
        return read_table(text, f"'{name}'")

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise InputError(f"no files are read unless their folder is given; pass files= with the folder of '{name}'")
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise InputError(f"'{name}' is outside the folder '{self._folder}'")
        return path
