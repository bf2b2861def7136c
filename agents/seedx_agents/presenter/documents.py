"""Documents as text: Markdown, plain text and PDF, with limits on what is read."""

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
"""Pages of a PDF that are read."""
MAX_CHARS = 200_000
"""About a hundred pages of text; what comes after is left out with a warning."""


class Document(BaseModel):
    """What a document says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The name of its file."""
    title: str
    """From its own data, else the name of its file."""
    kind: Literal["markdown", "text"]
    text: str
    """Paragraphs are apart by an empty line."""
    warnings: tuple[str, ...] = ()


def read_document(path: Path) -> Document:
    """Return the text of a file.

    Raises:
        InputError: It is missing, too large, damaged, locked, of another kind, or holds no text.
        MissingExtraError: It is a PDF and pypdf is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"'{path}' is no document that is read; use one of {', '.join(SUFFIXES)}, or a .csv table")
    data = read_bytes(path)
    warnings: list[str] = []
    title = re.sub(r"[-_]+", " ", path.stem).strip().capitalize()
    if suffix == ".pdf":
        own, text = _pdf(data, path, warnings)
        title = own or title
    else:
        text = decode(data, path)
    if not text.strip():
        cure = "it may hold scanned pages: run text recognition (OCR) over it first" if suffix == ".pdf" else "write it"
        raise InputError(f"'{path}' holds no text; {cure}")
    if len(text) > MAX_CHARS:
        warnings.append(f"'{path.name}' has {len(text)} characters; the first {MAX_CHARS} were read")
        text = text[:MAX_CHARS]
    kind: Literal["markdown", "text"] = "markdown" if suffix in (".md", ".markdown") else "text"
    return Document(name=path.name, title=title, kind=kind, text=text.strip(), warnings=tuple(warnings))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file of at most MAX_BYTES.

    Raises:
        InputError: It is missing, is no file, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read '{path}' ({getattr(error, 'strerror', None) or error}); check the path"
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"'{path}' is over {MAX_BYTES // 2**20} MiB; give the part that matters")
    return data


def decode(data: bytes, path: Path) -> str:
    """Return the bytes of a text file as text.

    Raises:
        InputError: They are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _pdf(data: bytes, path: Path, warnings: list[str]) -> tuple[str, str]:
    """The title in a PDF's own data, and its text."""
    with needs_extra("documents"):
        from pypdf import PdfReader
    try:
        reader = PdfReader(BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        if not locked:
            pages = len(reader.pages)
            texts = [_page_text(page) for page in reader.pages[:MAX_PAGES]]
            title = (reader.metadata.title if reader.metadata else None) or ""
    except Exception as error:  # a damaged PDF makes its reader raise many kinds
        raise InputError(f"'{path}' is no PDF that can be read ({error}); save it anew") from error
    if locked:
        raise InputError(f"'{path}' is locked with a password; save a copy without one")
    if pages > MAX_PAGES:
        warnings.append(f"'{path.name}' has {pages} pages; the first {MAX_PAGES} were read")
    return " ".join(title.split()), "\n\n".join(texts)


class _Line(NamedTuple):
    text: str
    y: float
    """Height of its base line on the page, in points from below."""
    size: float
    """Of its letters, in points."""


def _page_text(page: PageObject) -> str:
    """The paragraphs of a page, apart by empty lines, in the order of the file."""
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
    return _joined([line._replace(text=" ".join(line.text.split())) for line in lines])


def _joined(lines: Sequence[_Line]) -> str:
    """Lines as paragraphs: one ends at a wide gap, or with a sentence where the line is short or a column ends."""
    gaps = [above.y - below.y for above, below in pairwise(lines)]
    usual = min((gap for gap, line in zip(gaps, lines, strict=False) if gap > 0.8 * line.size), default=0.0)
    widest = max((len(line.text) for line in lines), default=0)
    joined = ""
    for (text, _, _), gap in zip(lines, [*gaps, 0.0], strict=False):
        if gap > 1.3 * usual or (text[-1] in ".!?:" and (gap < 0 or len(text) < 0.8 * widest)):
            joined += text + "\n\n"
        elif text.endswith("-") and text[-2:-1].islower():
            joined += text[:-1]
        else:
            joined += text + " "
    return joined.strip()
