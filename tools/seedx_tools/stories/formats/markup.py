"""The markup of a story's pages, which its HTML and its EPUB share: well-formed XML that is HTML as well."""

from __future__ import annotations

from html import escape

from seedx_tools.decks.text.strings import clean
from seedx_tools.stories.formats.typesetting import paragraphs
from seedx_tools.stories.plan import StoryPageContent


def direction(*, right_to_left: bool) -> str:
    """Return the value of HTML's dir attribute."""
    return "rtl" if right_to_left else "ltr"


def markup(text: str) -> str:
    """Return a text on one line for an element or a quoted attribute."""
    return escape(clean(text))


def image_markup(source: str, page: StoryPageContent) -> str:
    """Return the element of a page's image."""
    return f'<img src="{source}" alt="{markup(page.alt)}"/>'


def text_markup(page: StoryPageContent) -> str:
    """Return the paragraphs of a page, each in the direction of its own letters."""
    return "\n".join(f'<p dir="auto">{markup(paragraph)}</p>' for paragraph in paragraphs(page.text))
