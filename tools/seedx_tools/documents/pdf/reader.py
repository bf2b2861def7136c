"""Reads PDF files as Markdown."""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from seedx_sdk.errors import InputError, SeedXError, needs_extra
from seedx_tools.documents import markdown
from seedx_tools.documents.figures import Figures
from seedx_tools.documents.files import MAX_UNPACKED_BYTES
from seedx_tools.documents.pdf.lines import Box, Line, lines_of
from seedx_tools.documents.pdf.regions import CAPTION, figures_of, overlap, render, tables_of
from seedx_tools.documents.pdf.structure import structure

if TYPE_CHECKING:
    from pdfplumber.page import Page

MAX_PAGES = 200
"""How many pages of a PDF are read."""
_CHUNK = 2**18
_STREAM = re.compile(rb"stream\r?\n")
_TWICE_PACKED = re.compile(rb"/Filter\s*\[\s*/(?:FlateDecode|Fl|LZWDecode|LZW)\s*/(?:FlateDecode|Fl|LZWDecode|LZW)\b")
_PRODUCED = re.compile(r"(?:microsoft (?:word|powerpoint)\b.*|untitled.*|.*\.(?:docx?|tex|dvi|indd|pptx?))", re.I)


def read_pdf(data: bytes, path: Path, figures: Figures, warnings: list[str]) -> tuple[str, str]:
    """Return the title of a PDF, or an empty string, and its text as Markdown below that title.

    Raises:
        InputError: If it is damaged, encrypted, scanned, or unpacks to too much.
        MissingExtraError: If pdfplumber is not installed.
    """
    with needs_extra("documents"):
        import pdfplumber
        from pdfminer.pdfdocument import PDFPasswordIncorrect
    _check_streams(data, path)
    lines: list[list[Line]] = []
    pictures = False
    try:
        with pdfplumber.open(BytesIO(data)) as document:
            pages = len(document.pages)
            named = document.metadata.get("Title")
            for page in document.pages[:MAX_PAGES]:
                pictures = pictures or bool(page.images)
                lines.append(_lines(page.dedupe_chars(), figures))
                page.close()
    except SeedXError:
        raise
    except Exception as error:  # a damaged PDF makes its reader raise all kinds of errors
        if any(isinstance(cause, PDFPasswordIncorrect) for cause in (error, error.__cause__, *error.args)):
            raise InputError(f"'{path}' is encrypted with a password; save a copy without one") from error
        raise InputError(f"cannot read '{path}' as a PDF ({error or type(error).__name__}); save it again") from error
    if not any(line.text or line.markdown.startswith("|") for page in lines for line in page):
        cure = "run OCR on it first" if pictures else "add some"
        raise InputError(f"'{path}' holds no text{', only scanned pages' if pictures else ''}; {cure}")
    if pages > MAX_PAGES:
        warnings.append(f"'{path.name}' has {pages} pages; the first {MAX_PAGES} were read")
    title, text = structure(lines, path.name, warnings)
    meta = " ".join(named.split()) if isinstance(named, str) else ""
    return title or ("" if _PRODUCED.fullmatch(meta) else meta), text


def _lines(page: Page, figures: Figures) -> list[Line]:
    """Return the lines of a page in reading order, with its tables and figures as blocks among them."""
    number = page.page_number
    height = float(page.height)
    tables = tables_of(page)
    taken = [table.box for table in tables]
    words = page.filter(lambda part: part.get("upright", True)).extract_words(
        extra_attrs=["fontname", "size"], x_tolerance_ratio=0.15
    )
    free = [word for word in words if not _covered(word, taken)]
    text = lines_of(free, [], number, height)
    boxes = figures_of(page, taken, [line.box for line in text if CAPTION.match(line.text)])
    blocks = [Line("", table.box, number, markdown=markdown.table(table.rows)) for table in tables]
    for box in boxes:
        caption = _caption(text, box)
        name = figures.add(render(page, box))
        if name is not None:
            blocks.append(Line("", box, number, markdown=markdown.picture(name, caption or f"Figure on page {number}")))
    return lines_of([word for word in free if not _covered(word, boxes)], blocks, number, height)


def _covered(word: dict[str, object], boxes: list[Box]) -> bool:
    x0, x1, top, bottom = (float(str(word[name])) for name in ("x0", "x1", "top", "bottom"))
    x, y = (x0 + x1) / 2, (top + bottom) / 2
    return any(overlap((x, y, x + 0.01, y + 0.01), box) for box in boxes)


def _caption(lines: list[Line], box: Box) -> str:
    """Return the caption under or above a figure, or an empty string."""
    near = [
        (min(abs(line.box[1] - box[3]), abs(box[1] - line.box[3])), number)
        for number, line in enumerate(lines)
        if CAPTION.match(line.text) and line.box[0] < box[2] and box[0] < line.box[2]
    ]
    distance, number = min(near, default=(1e9, 0))
    if distance > 40:
        return ""
    text = lines[number].text
    for line, following in zip(lines[number:], lines[number + 1 :], strict=False):
        if following.box[1] - line.box[3] > 0.5 * line.size or abs(following.size - line.size) > 0.3:
            break
        text = f"{text} {following.text}"
    return text


def _check_streams(data: bytes, path: Path) -> None:
    """Raise InputError if the parts of a PDF unpack to more than MAX_UNPACKED_BYTES, or are packed more than once."""
    if _TWICE_PACKED.search(data):
        raise InputError(f"'{path}' holds a part that is packed twice; print it to a new PDF")
    size = 0
    for found in _STREAM.finditer(data):
        unpacker = zlib.decompressobj()
        at, packed = found.end(), b""
        try:
            while not unpacker.eof and (packed or at < len(data)):
                if not packed:
                    packed, at = data[at : at + _CHUNK], at + _CHUNK
                size += len(unpacker.decompress(packed, _CHUNK))
                packed = unpacker.unconsumed_tail
                if size > MAX_UNPACKED_BYTES:
                    raise InputError(
                        f"'{path}' unpacks to over {MAX_UNPACKED_BYTES // 2**20} MiB; pass only the pages that matter"
                    )
        except zlib.error:
            continue  # not packed, or in another way
