"""Figures of a document: picture files that its Markdown names."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

MAX_FIGURES = 60
"""How many figures of a document are kept; the rest is left out with a warning."""
MAX_FIGURE_PIXELS = 50_000_000
MIN_FIGURE_PIXELS = 32
"""A picture that is narrower or lower is a bullet, a rule or a tracking pixel, not a figure."""
_FORMATS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "WEBP": ".webp"}


class Figure(NamedTuple):
    """A picture of a document."""

    name: str
    """Its file name, as the document's Markdown names it."""
    data: bytes


class Figures:
    """Collects the figures of one document.

    Args:
        stem: What the names of their files begin with.
        warnings: Gets one sentence for each kind of picture that is left out.
    """

    def __init__(self, stem: str, warnings: list[str]) -> None:
        self._stem, self._warnings = stem, warnings
        self._names: dict[bytes, str] = {}
        self._left_out: dict[str, int] = {}

    def add(self, data: bytes) -> str | None:
        """Return the file name of a picture; None, if it cannot be one on a slide."""
        if data in self._names:
            return self._names[data]
        suffix = self._suffix(data)
        if suffix is not None and len(self._names) >= MAX_FIGURES:
            self._leave_out(f"more than {MAX_FIGURES}")
        elif suffix is not None:
            return self._names.setdefault(data, f"{self._stem}-figure-{len(self._names) + 1}{suffix}")
        return None

    def files(self) -> tuple[Figure, ...]:
        """Return all figures, and warn of those that were left out."""
        for why, count in self._left_out.items():
            self._warnings.append(f"{count} pictures were left out: {why}")
        return tuple(Figure(name, data) for data, name in self._names.items())

    def leave_out(self, why: str) -> None:
        """Count a picture that cannot be read."""
        self._leave_out(why)

    def _leave_out(self, why: str) -> None:
        self._left_out[why] = self._left_out.get(why, 0) + 1

    def _suffix(self, data: bytes) -> str | None:
        try:
            with Image.open(BytesIO(data)) as image:
                size, kind = image.size, image.format or ""
        except Exception:  # a damaged picture makes Pillow raise all kinds of errors
            self._leave_out("they cannot be read as PNG, JPEG, GIF or WebP")
            return None
        if size[0] * size[1] > MAX_FIGURE_PIXELS:
            self._leave_out(f"over {MAX_FIGURE_PIXELS // 10**6} megapixels")
        elif kind not in _FORMATS:
            self._leave_out(f"{kind} is no picture format of slides")
        elif min(size) >= MIN_FIGURE_PIXELS:
            return _FORMATS[kind]
        return None


def write_figures(figures: tuple[Figure, ...], folder: Path) -> None:
    """Write the files of figures into a folder."""
    for figure in figures:
        (folder / figure.name).write_bytes(figure.data)
