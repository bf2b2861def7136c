"""Reads Markdown, plain text and PDF documents, with limits on what is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from seedx_sdk.errors import InputError, needs_extra

if TYPE_CHECKING:
    from pypdf import PageObject

SUFFIXES = (".md", ".markdown", ".txt", ".pdf")
MAX_BYTES = 32 * 1024 * 1024
MAX_PAGES = 200
"""How many pages of a PDF are read."""
MAX_CHARS = 200_000
"""About a hundred pages of text; the rest is left out with a warning."""


class Document(BaseModel):
    """The text of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The name of its file."""
    title: str
    """From its metadata, else the name of its file."""
    kind: Literal["markdown", "text"]
    text: str
    """Paragraphs are separated by empty lines."""
    warnings: tuple[str, ...] = ()


def read_document(path: Path) -> Document:
    """Return the text of a file.

    Raises:
        InputError: If it is missing, too large, damaged, encrypted, of another kind, or holds no text.
        MissingExtraError: If it is a PDF and pypdf is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"cannot read '{path}' as a document; use one of {', '.join(SUFFIXES)}, or a .csv table")
    data = read_bytes(path)
    warnings: list[str] = []
    title = re.sub(r"[-_]+", " ", path.stem).strip().capitalize()
    if suffix == ".pdf":
        pdf_title, text = _pdf(data, path, warnings)
        title = pdf_title or title
    else:
        text = decode(data, path)
    if not text.strip():
        cure = "it may hold scanned pages: run OCR on it first" if suffix == ".pdf" else "add some"
        raise InputError(f"'{path}' holds no text; {cure}")
    if len(text) > MAX_CHARS:
        warnings.append(f"'{path.name}' has {len(text)} characters; the first {MAX_CHARS} were read")
        text = text[:MAX_CHARS]
    kind: Literal["markdown", "text"] = "markdown" if suffix in (".md", ".markdown") else "text"
    return Document(name=path.name, title=title, kind=kind, text=text.strip(), warnings=tuple(warnings))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file of at most MAX_BYTES.

    Raises:
        InputError: If it is missing, not a file, or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read '{path}' ({getattr(error, 'strerror', None) or error}); check the path"
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"'{path}' is over {MAX_BYTES // 2**20} MiB; pass only the part that matters")
    return data


def decode(data: bytes, path: Path) -> str:
    """Return the bytes of a text file as text.

    Raises:
        InputError: If they are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _pdf(data: bytes, path: Path, warnings: list[str]) -> tuple[str, str]:
    """Return the title in a PDF's metadata, and its text."""
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
