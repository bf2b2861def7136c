"""Reads the paragraphs of PDF files."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seedx_sdk.errors import InputError, needs_extra

if TYPE_CHECKING:
    from pypdf import PageObject

MAX_PAGES = 200
"""How many pages of a PDF are read."""


def read_pdf(data: bytes, path: Path, warnings: list[str]) -> tuple[str, str]:
    """Return the title in a PDF's metadata, and its text.

    Raises:
        InputError: If it is damaged or encrypted.
        MissingExtraError: If pypdf is not installed.
    """
    with needs_extra("documents"):
        from pypdf import PdfReader
    try:
        reader = PdfReader(BytesIO(data))
        encrypted = reader.is_encrypted and not reader.decrypt("")
        if not encrypted:
            pages = len(reader.pages)
            texts = [_page_text(page) for page in reader.pages[:MAX_PAGES]]
            title = (reader.metadata.title if reader.metadata else None) or ""
    except Exception as error:  # a damaged PDF makes its reader raise all kinds of errors
        raise InputError(f"cannot read '{path}' as a PDF ({error}); save it again") from error
    if encrypted:
        raise InputError(f"'{path}' is encrypted with a password; save a copy without one")
    if pages > MAX_PAGES:
        warnings.append(f"'{path.name}' has {pages} pages; the first {MAX_PAGES} were read")
    return " ".join(title.split()), "\n\n".join(texts)


class _Line(NamedTuple):
    text: str
    y: float
    """Baseline, in points from the bottom of the page."""
    size: float
    """Font size in points."""


def _page_text(page: PageObject) -> str:
    """Return the paragraphs of a page, separated by empty lines, in the order of the file."""
    lines: list[_Line] = []

    def visit(text: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        if not text.strip():
            return
        y = tm[5] * cm[3] + cm[5]
        if lines and abs(lines[-1].y - y) < 1:
            lines[-1] = lines[-1]._replace(text=lines[-1].text + text)
        else:
            lines.append(_Line(text, y, abs(size * tm[3] * cm[3])))

    page.extract_text(visitor_text=visit)
    return _paragraphs([line._replace(text=" ".join(line.text.split())) for line in lines])


def _paragraphs(lines: Sequence[_Line]) -> str:
    """Join lines into paragraphs, which end at a wide gap, or with a sentence if the line is short or a column ends."""
    gaps = [above.y - below.y for above, below in pairwise(lines)]
    line_gap = min((gap for gap, line in zip(gaps, lines, strict=False) if gap > 0.8 * line.size), default=0.0)
    widest = max((len(line.text) for line in lines), default=0)
    joined = ""
    for (text, _, _), gap in zip(lines, [*gaps, 0.0], strict=False):
        if gap > 1.3 * line_gap or (text[-1] in ".!?:" and (gap < 0 or len(text) < 0.8 * widest)):
            joined += text + "\n\n"
        elif text.endswith("-") and text[-2:-1].islower():
            joined += text[:-1]
        else:
            joined += text + " "
    return joined.strip()
