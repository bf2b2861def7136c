"""Reads Word and HTML files as Markdown: their headings, paragraphs, lists and tables."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from seedx_sdk.errors import InputError, needs_extra

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
"""A Word or Excel file that unpacks to more is rejected."""
_TITLE = "title"
"""The class of the paragraph that a Word file has as its title."""
_NOT_CONTENT = "script style noscript template nav aside footer form button svg img iframe".split()


def read_docx(data: bytes, path: Path, warnings: list[str]) -> tuple[str, str]:
    """Return the title of a Word file, or an empty string, and its text as Markdown below that title.

    Raises:
        InputError: If it is not a Word file.
        MissingExtraError: If mammoth or markdownify is not installed.
    """
    with needs_extra("documents"):
        import mammoth
    check_archive(data, path, "a Word document (.docx)")
    styles = f"p[style-name='Title'] => h1.{_TITLE}:fresh\np[style-name='Subtitle'] => p:fresh"
    try:
        html = mammoth.convert_to_html(BytesIO(data), style_map=styles).value
    except Exception as error:  # a damaged file makes its reader raise all kinds of errors
        raise InputError(f"cannot read '{path}' as a Word document ({error}); save it again as .docx") from error
    soup = _parse(html)
    if images := len(soup.find_all("img")):
        warnings.append(f"'{path.name}' holds {images} images, which were left out")
    return _markdown(soup)


def read_html(data: bytes) -> tuple[str, str]:
    """Return the title of an HTML file, or an empty string, and the text of its main part as Markdown below that title.

    Raises:
        MissingExtraError: If markdownify is not installed.
    """
    return _markdown(_parse(data))


def check_archive(data: bytes, path: Path, what: str) -> None:
    """Raise InputError if a file is not a ZIP archive, or unpacks to more than MAX_UNPACKED_BYTES."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"cannot read '{path}' as {what} ({error}); save it again, without a password") from error
    if size > MAX_UNPACKED_BYTES:
        raise InputError(f"'{path}' unpacks to {size // 2**20} MiB; pass only the part that matters")


def _parse(html: str | bytes) -> BeautifulSoup:
    with needs_extra("documents"):
        from bs4 import BeautifulSoup
    return BeautifulSoup(html, "html.parser")


def _markdown(soup: BeautifulSoup) -> tuple[str, str]:
    """Return the title of a page and its content, whose main headings have two #, so that each becomes a slide."""
    with needs_extra("documents"):
        from markdownify import MarkdownConverter
    main = soup.find("main") or soup.find("article") or soup.body or soup
    first = main.find("h1", class_=_TITLE) or (main.h1 if len(main.find_all("h1")) == 1 else None)
    named = first or soup.title
    title = " ".join(named.get_text(" ").split()) if named is not None else ""
    for part in filter(None, (first, soup.title, *main.find_all(_NOT_CONTENT))):
        part.decompose()
    headings = main.find_all(re.compile("^h[1-6]$"))
    shift = 2 - min((int(heading.name[1]) for heading in headings), default=2)
    for heading in headings:
        heading.name = f"h{min(6, int(heading.name[1]) + shift)}"
    converter = MarkdownConverter(heading_style="atx", bullets="-", table_infer_header=True)
    return title, re.sub(r"\n{3,}", "\n\n", converter.convert_soup(main)).strip()
