"""A story as a PDF: one landscape page for each of its pages, with text that can be selected and read aloud.

Text that is too long for its page continues on the next.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from seedx_tools.decks.text.fonts import system_font
from seedx_tools.stories.plan import StoryPageContent

_PAGE_MM = (297.0, 210.0)
_IMAGE_MM = 140.0
_MARGIN_MM = 22.0
_TEXT_PT = 22
_TITLE_PT = 40
_MIN_PT = 10
_LINE = 1.45
_MM_PER_PT = 25.4 / 72
_NAVY = (31, 42, 68)
_INK = (34, 38, 46)
_PAPER = (251, 247, 240)
_ACCENT = (228, 87, 46)
_FAMILY = "story"
_CORE_FONT = "Helvetica"
_CORE_ENCODING = "windows-1252"


def story_pdf(title: str, language: str, pages: Sequence[StoryPageContent], warn: Callable[[str], None]) -> bytes:
    """Return the PDF of a story.

    Args:
        title: Shown on the first page and as the document's title.
        language: BCP 47 code of the text.
        pages: The pages in order.
        warn: Called with one sentence if no font of this machine has all characters of the story.
    """
    book = _Book(format=(_PAGE_MM[1], _PAGE_MM[0]), orientation="landscape")
    book.set_auto_page_break(False)
    book.set_title(title)
    book.set_lang(language)
    book.choose_font(" ".join([title, *(page.text for page in pages)]), warn)
    book.title_page(title)
    for number, page in enumerate(pages, start=1):
        book.story_page(number, page)
    return bytes(book.output())


class _Book(FPDF):
    family = _CORE_FONT
    lossy = False

    def choose_font(self, text: str, warn: Callable[[str], None]) -> None:
        """Choose Helvetica, which needs no file, for Western European text; else a font of this machine."""
        self.core_fonts_encoding = _CORE_ENCODING
        try:
            text.encode(_CORE_ENCODING)
            return
        except UnicodeEncodeError:
            path = system_font(text)
        if path is None:
            self.lossy = True
            warn(
                "no font on this machine has all characters of the story: the PDF shows '?' for them; save it as .html"
            )
            return
        self.add_font(_FAMILY, fname=str(path))
        self.family = _FAMILY

    def title_page(self, title: str) -> None:
        self.add_page()
        self._fill(_NAVY)
        self.set_text_color(255, 255, 255)
        width = _PAGE_MM[0] - 2 * _MARGIN_MM
        size = self._fitting_size(title, _TITLE_PT, width, 110.0)
        height = self._height(title, size, width)
        self._write(title, size, _MARGIN_MM, (_PAGE_MM[1] - height) / 2, width, align="C")
        self.set_fill_color(*_ACCENT)
        self.rect(_PAGE_MM[0] / 2 - 12, (_PAGE_MM[1] + height) / 2 + 6, 24, 1.8, style="F")

    def story_page(self, number: int, page: StoryPageContent) -> None:
        self.add_page()
        self._fill(_PAPER)
        left = _MARGIN_MM
        if page.image is not None:
            wide, high = _fit(page.image.size, _IMAGE_MM)
            top = (_PAGE_MM[1] - high) / 2
            self.image(_png(page.image), x=_MARGIN_MM, y=top, w=wide, h=high, alt_text=page.alt)
            left += wide + 14
        width = _PAGE_MM[0] - left - _MARGIN_MM
        height = _PAGE_MM[1] - 2 * _MARGIN_MM
        size = self._fitting_size(page.text, _TEXT_PT, width, height)
        lines = self._lines(page.text, size, width)
        room = int(height / (size * _LINE * _MM_PER_PT))
        text, rest = (page.text, "") if len(lines) <= room else ("\n".join(lines[:room]), " ".join(lines[room:]))
        self.set_text_color(*_INK)
        text_height = min(len(lines), room) * size * _LINE * _MM_PER_PT
        self._write(text, size, left, (_PAGE_MM[1] - text_height) / 2, width, align="L")
        self.set_text_color(*_ACCENT)
        self._write(str(number), 11, _PAGE_MM[0] - _MARGIN_MM - 20, _PAGE_MM[1] - 14, 20, align="R")
        if rest:
            self.story_page(number, StoryPageContent(rest, None, ""))

    def _fill(self, color: tuple[int, int, int]) -> None:
        self.set_fill_color(*color)
        self.rect(0, 0, *_PAGE_MM, style="F")

    def _write(self, text: str, size: float, x: float, y: float, width: float, *, align: str) -> None:
        self.set_font(self.family, size=size)
        self.set_xy(x, y)
        self.multi_cell(
            width, size * _LINE * _MM_PER_PT, self._encodable(text), align=align, new_x=XPos.LEFT, new_y=YPos.NEXT
        )

    def _lines(self, text: str, size: float, width: float) -> list[str]:
        self.set_font(self.family, size=size)
        lines: Any = self.multi_cell(width, size, self._encodable(text), dry_run=True, output="LINES")
        return list(lines)

    def _height(self, text: str, size: float, width: float) -> float:
        return len(self._lines(text, size, width)) * size * _LINE * _MM_PER_PT

    def _fitting_size(self, text: str, size: float, width: float, height: float) -> float:
        """Return the largest size, at most `size` and in steps of a point, whose lines fit the height.

        Sizes whose letters alone need more room are left out first, since breaking lines is slow.
        """
        self.set_font(self.family, size=size)
        letters = "".join(text.split())  # no line has less than its letters
        length = self.get_string_width(self._encodable(letters)) / size

        def fits(size: float) -> bool:
            least = length * size / width * size * _LINE * _MM_PER_PT
            return least <= height and self._height(text, size, width) <= height

        while size > _MIN_PT and not fits(size):
            size -= 1
        return size

    def _encodable(self, text: str) -> str:
        return text.encode(_CORE_ENCODING, "replace").decode(_CORE_ENCODING) if self.lossy else text


def _fit(size: tuple[int, int], side: float) -> tuple[float, float]:
    scale = side / max(size)
    return size[0] * scale, size[1] * scale


def _png(image: Image.Image) -> io.BytesIO:
    factor = -(-768 // max(image.size))
    data = io.BytesIO()
    image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC).save(data, "PNG")
    data.seek(0)
    return data
