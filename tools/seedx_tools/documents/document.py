"""Reads documents as the source of a deck, with limits on what is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.planners.markdown import parse_markdown_outline
from seedx_tools.documents.markup import read_docx, read_html
from seedx_tools.documents.pdf import read_pdf

MARKDOWN = (".md", ".markdown")
HTML = (".html", ".htm")
SUFFIXES = (*MARKDOWN, ".txt", ".pdf", ".docx", *HTML)
MAX_BYTES = 32 * 1024 * 1024
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

    def tables(self) -> list[TableData]:
        """Return the tables in the text."""
        slides = parse_markdown_outline(self.text).slides if self.kind == "markdown" else ()
        return [slide.table for slide in slides if slide.table is not None and not slide.table.csv]


def read_document(path: Path) -> Document:
    """Return the text of a file; of Word and HTML files as Markdown, with their headings, lists and tables.

    Raises:
        InputError: If it is missing, too large, damaged, encrypted, of another kind, or holds no text.
        MissingExtraError: If its reader is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"cannot read '{path}' as a document; use one of {', '.join(SUFFIXES)}, or a table as .csv, .tsv or .xlsx"
        )
    data = read_bytes(path)
    warnings: list[str] = []
    title = title_of_file(path)
    if suffix == ".pdf":
        own_title, text = read_pdf(data, path, warnings)
    elif suffix == ".docx":
        own_title, text = read_docx(data, path, warnings)
    elif suffix in HTML:
        own_title, text = read_html(data)
    else:
        own_title, text = "", decode(data, path)
    if not text.strip():
        cure = "it may hold scanned pages: run OCR on it first" if suffix == ".pdf" else "add some"
        raise InputError(f"'{path}' holds no text; {cure}")
    if len(text) > MAX_CHARS:
        warnings.append(f"'{path.name}' has {len(text)} characters; the first {MAX_CHARS} were read")
        text = text[:MAX_CHARS]
    title, text = own_title or title, text.strip()
    kind: Literal["markdown", "text"] = "text" if suffix in (".txt", ".pdf") else "markdown"
    if suffix in (".docx", *HTML):
        if re.search(r"^#{2,6} ", text, re.MULTILINE):
            text = f"# {title}\n\n{text}"
        elif re.search(r"^(?:[-|]|\d+\.) ", text, re.MULTILINE):  # lists and tables, and no heading
            text = f"# {title}\n\n## {title}\n\n{text}"
        else:
            kind = "text"
    return Document(name=path.name, title=title, kind=kind, text=text, warnings=tuple(warnings))


def title_of_file(path: Path) -> str:
    """Return the name of a file as a title: "boat_school.pdf" gives "Boat school"."""
    return re.sub(r"[-_]+", " ", path.stem).strip().capitalize()


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
