"""Reads documents as the source of a deck, with limits on what is read."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.planners.markdown.front_matter import front_title, split_front_matter
from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.documents.docx.reader import read_docx
from seedx_tools.documents.figures import Figure, Figures
from seedx_tools.documents.files import decode, read_bytes, title_of_file
from seedx_tools.documents.html import read_html
from seedx_tools.documents.markdown import plain_text_as_markdown
from seedx_tools.documents.pdf.reader import read_pdf

MARKDOWN = (".md", ".markdown")
HTML = (".html", ".htm")
SUFFIXES = (*MARKDOWN, ".txt", ".pdf", ".docx", *HTML)
_CURES = {
    ".doc": "save it as .docx",
    ".rtf": "save it as .docx",
    ".odt": "save it as .docx",
    ".pages": "export it as .docx",
    ".xls": "save it as .xlsx",
    ".xlsb": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".numbers": "export it as .xlsx",
    ".ppt": "save it as .pptx, and use it as a template or add slides to it",
    ".pptx": "use it as a template, or add slides to it",
    ".png": "name it in a Markdown outline as a picture",
    ".jpg": "name it in a Markdown outline as a picture",
}
MAX_CHARS = 200_000
"""About a hundred pages of text; the rest is left out with a warning."""


class Document(BaseModel):
    """A document as Markdown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The name of its file."""
    title: str
    """Its own, else the name of its file."""
    text: str
    """Markdown below the title: the main headings have two #."""
    figures: tuple[Figure, ...] = ()
    """The picture files that the text names."""
    warnings: tuple[str, ...] = ()

    def tables(self) -> list[TableData]:
        """Return the tables in the text."""
        slides = parse_markdown_outline(self.text).slides
        return [slide.table for slide in slides if slide.table is not None and not slide.table.csv]


def read_document(path: Path) -> Document:
    """Return a file as Markdown, with its headings, lists, tables, figures and footnotes.

    Raises:
        InputError: If it is missing, too large, damaged, encrypted, of another kind, or holds no text.
        MissingExtraError: If its reader is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        cure = _CURES.get(suffix, f"use one of {', '.join(SUFFIXES)}, or a table as .csv, .tsv or .xlsx")
        raise InputError(f"cannot read '{path}' as a document; {cure}")
    data = read_bytes(path)
    warnings: list[str] = []
    figures = Figures(re.sub(r"\W+", "-", path.stem).strip("-") or "document", warnings)
    if suffix == ".pdf":
        title, text = read_pdf(data, path, figures, warnings)
    elif suffix == ".docx":
        title, text = read_docx(data, path, figures, warnings)
    elif suffix in HTML:
        title, text = read_html(data, path, figures, warnings)
    elif suffix in MARKDOWN:
        front, text = split_front_matter(decode(data, path, warnings))
        title = front_title(front)
    else:
        title, text = "", plain_text_as_markdown(decode(data, path, warnings))
    if not text.strip():
        raise InputError(f"'{path}' holds no text; add some")
    if len(text) > MAX_CHARS:
        warnings.append(f"'{path.name}' has {len(text)} characters; the first {MAX_CHARS} were read")
        text = text[:MAX_CHARS].rpartition("\n\n")[0] or text[:MAX_CHARS]
    return Document(
        name=path.name,
        title=title or title_of_file(path),
        text=text.strip(),
        figures=figures.files(),
        warnings=tuple(dict.fromkeys(warnings)),
    )
