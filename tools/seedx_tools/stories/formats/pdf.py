"""A story as a PDF: landscape pages with text that can be selected, searched and read aloud.

The type of a page is as large as its text allows. Text that is too long for its page continues on pages without an
image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.prefs import ViewerPreferences
from PIL import Image

from seedx_tools.stories.formats.fonts import (
    CORE_ENCODING,
    BookFonts,
    choose_fonts,
    describe_missing,
    printable,
    require_letters,
)
from seedx_tools.stories.formats.headings import heading
from seedx_tools.stories.formats.images import enlarged
from seedx_tools.stories.formats.typesetting import (
    LEADING,
    MM_PER_PT,
    PARAGRAPH_GAP,
    Line,
    TypeSetter,
    height_of,
    lines_that_fit,
    text_of,
)
from seedx_tools.stories.language import is_right_to_left
from seedx_tools.stories.plan import StoryPageContent

_PAGE_MM = (297.0, 210.0)
_IMAGE_MM = 140.0
_MARGIN_MM = 22.0
_GUTTER_MM = 14.0
_TEXT_HEIGHT_MM = _PAGE_MM[1] - 2 * _MARGIN_MM
_MEASURE_MM = 170.0
"""Longer lines are hard to read."""
_TEXT_PT = tuple(range(32, 12, -1))
_TITLE_PT = tuple(range(44, 15, -1))
_LONG_TEXT_PT = 15
"""The type of pages without an image that continue a text."""
_NUMBER_PT = 11
_NAVY = (31, 42, 68)
_WHITE = (255, 255, 255)
_INK = (34, 38, 46)
_PAPER = (251, 247, 240)
_ACCENT = (228, 87, 46)
_CORE_FONT = "Helvetica"
_EM_PT = 100
"""The size at which widths are measured."""

Align = Literal["L", "C", "R"]


def story_pdf(
    title: str,
    language: str,
    pages: Sequence[StoryPageContent],
    warn: Callable[[str], None],
    font: Path | None = None,
) -> bytes:
    """Return the PDF of a story.

    Args:
        title: Shown on the first page and as the document's title.
        language: BCP 47 code of the text.
        pages: The pages in order.
        warn: Called with one sentence if symbols are left out that no font has.
        font: The file of the font to use; None: Helvetica, or installed fonts where it has not all characters.

    Raises:
        InputError: If there are letters that no font has.
    """
    text = story_text(title, pages)
    fonts = choose_fonts(text, font)
    require_letters(fonts, font)
    if fonts.missing:
        warn(describe_missing(fonts.missing))
    book = _Book(title, language, fonts, right_to_left=is_right_to_left(language, text))
    book.title_page(title)
    for number, page in enumerate(pages, start=1):
        book.story_page(number, page)
    return bytes(book.output())


def story_text(title: str, pages: Sequence[StoryPageContent]) -> str:
    """Return all text that a PDF of the story shows."""
    return printable("\n".join([title, *(page.text for page in pages), "0123456789"]))


class _Book(FPDF):
    def __init__(self, title: str, language: str, fonts: BookFonts, *, right_to_left: bool) -> None:
        super().__init__(format=(_PAGE_MM[1], _PAGE_MM[0]), orientation="landscape")
        self._language, self._right_to_left = language, right_to_left
        self._missing = dict.fromkeys(map(ord, fonts.missing))
        self._widths: dict[str, float] = {}
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.alias_nb_pages("")  # "{nb}" in a story is text
        self.set_title(title)
        self.set_lang(language)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.core_fonts_encoding = CORE_ENCODING
        names = [f"story{number}" for number in range(len(fonts.files))]
        for name, file in zip(names, fonts.files, strict=True):
            self.add_font(name, fname=str(file))
        self._family = names[0] if names else _CORE_FONT
        self._shaped = bool(names)
        self.set_fallback_fonts(names[1:], exact_match=False)

    def title_page(self, title: str) -> None:
        """Add the page with the title."""
        self._start(title, _NAVY)
        width = _PAGE_MM[0] - 2 * _MARGIN_MM
        size, lines = self._typeset(title).fit(_TITLE_PT, width, 150.0)
        height = height_of(lines, size)
        self._write(lines, size, _MARGIN_MM, (_PAGE_MM[1] - height) / 2, width, _WHITE, "C")
        self.set_fill_color(*_ACCENT)
        self.rect(_PAGE_MM[0] / 2 - 12, (_PAGE_MM[1] + height) / 2 + 6, 24, 1.8, style="F")

    def story_page(self, number: int, page: StoryPageContent) -> None:
        """Add a page with its image, and as many pages as its text needs."""
        self._start(heading(page.text, number), _PAPER)
        left, width = self._column() if page.image is None else self._beside(page.image, page.alt)
        size, lines = self._typeset(page.text).fit(_TEXT_PT, width, _TEXT_HEIGHT_MM)
        while True:
            count = lines_that_fit(lines, size, _TEXT_HEIGHT_MM)
            top = (_PAGE_MM[1] - height_of(lines[:count], size)) / 2
            self._write(lines[:count], size, left, top, width, _INK)
            self._page_number(number)
            if count >= len(lines):
                break
            self._start("", _PAPER)
            left, width = self._column()
            size, lines = _LONG_TEXT_PT, self._typeset(text_of(lines[count:])).lines(_LONG_TEXT_PT, width)

    def _start(self, name: str, color: tuple[int, int, int]) -> None:
        """Start a page, with a bookmark if it has a name."""
        self.add_page()
        if name:
            self.start_section(name)
        self.set_fill_color(*color)
        self.rect(0, 0, *_PAGE_MM, style="F")

    def _column(self) -> tuple[float, float]:
        return (_PAGE_MM[0] - _MEASURE_MM) / 2, _MEASURE_MM

    def _beside(self, image: Image.Image, alt: str) -> tuple[float, float]:
        """Place an image where reading starts; return the left and the width of the text beside it."""
        wide, high = _fit(image.size, _IMAGE_MM)
        left = _PAGE_MM[0] - _MARGIN_MM - wide if self._right_to_left else _MARGIN_MM
        self.image(enlarged(image), x=left, y=(_PAGE_MM[1] - high) / 2, w=wide, h=high, alt_text=printable(alt))
        text_left = _MARGIN_MM if self._right_to_left else _MARGIN_MM + wide + _GUTTER_MM
        return text_left, _PAGE_MM[0] - 2 * _MARGIN_MM - wide - _GUTTER_MM

    def _page_number(self, number: int) -> None:
        line = Line(str(number), self._right_to_left, opens=True)
        left = _MARGIN_MM if self._right_to_left else _PAGE_MM[0] - _MARGIN_MM - 20
        align: Align = "L" if self._right_to_left else "R"
        self._write([line], _NUMBER_PT, left, _PAGE_MM[1] - 14, 20, _ACCENT, align)

    def _write(
        self,
        lines: Sequence[Line],
        size: float,
        left: float,
        top: float,
        width: float,
        color: tuple[int, int, int],
        align: Align | None = None,
    ) -> None:
        """Write lines, aligned where their paragraphs begin unless told otherwise."""
        self.set_text_color(*color)
        self.set_font(self._family, size=size)
        for number, line in enumerate(lines):
            self._set_direction(right_to_left=line.right_to_left)
            if line.opens and number:
                top += PARAGRAPH_GAP * size * MM_PER_PT
            self.set_xy(left, top)
            side = align or ("R" if line.right_to_left else "L")
            self.cell(width, LEADING * size * MM_PER_PT, line.text.rstrip(), align=side)
            top += LEADING * size * MM_PER_PT

    def _typeset(self, text: str) -> TypeSetter:
        shown = printable(text).translate(self._missing)
        return TypeSetter(shown, self._measure, right_to_left=self._right_to_left)

    def _measure(self, text: str) -> float:
        if text not in self._widths:
            self.set_font(self._family, size=_EM_PT)
            self._set_direction(right_to_left=False)
            self._widths[text] = self.get_string_width(text) / (_EM_PT * MM_PER_PT)
        return self._widths[text]

    def _set_direction(self, *, right_to_left: bool) -> None:
        if self._shaped:
            direction = "rtl" if right_to_left else "ltr"
            self.set_text_shaping(True, direction=direction, language=self._language)


def _fit(size: tuple[int, int], side: float) -> tuple[float, float]:
    scale = side / max(size)
    return size[0] * scale, size[1] * scale
