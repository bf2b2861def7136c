"""A story as an EPUB 3.3: one document a page, contents, a cover, alt texts, language and direction.

The files are few and fixed, so they are written here: the libraries for it fix the language to English and know no
direction, or have licenses that would bind the user's program (EbookLib: AGPL).
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

from seedx_sdk.imaging import to_png
from seedx_tools.stories.formats.headings import heading
from seedx_tools.stories.formats.images import enlarged
from seedx_tools.stories.formats.markup import direction, image_markup, markup, text_markup
from seedx_tools.stories.language import is_right_to_left
from seedx_tools.stories.plan import StoryPageContent

_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
_COVER = ' properties="cover-image"'
_STYLE = """h1 { text-align: center; margin: 30% 0 0; }
img { display: block; max-width: 100%; max-height: 70vh; margin: 0 auto 1em; break-inside: avoid; }
p { margin: 0 0 .6em; line-height: 1.5; }
"""
_ACCESSIBILITY = """<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityFeature">readingOrder</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">Every image has an alternative text.</meta>"""


def story_epub(title: str, language: str, pages: Sequence[StoryPageContent]) -> bytes:
    """Return the EPUB of a story.

    Args:
        title: The story's title.
        language: BCP 47 code of the text.
        pages: The pages in order.
    """
    book = _Book(title, language, pages)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)  # must come first, as it is
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("EPUB/package.opf", book.package())
        archive.writestr("EPUB/nav.xhtml", book.contents())
        archive.writestr("EPUB/style.css", _STYLE)
        archive.writestr("EPUB/title.xhtml", book.document(title, f"<h1>{markup(title)}</h1>"))
        for name, page in zip(book.names, pages, strict=True):
            image = "" if page.image is None else image_markup(f"{name}.png", page)
            section = f"<section>{image}{text_markup(page)}</section>"
            archive.writestr(f"EPUB/{name}.xhtml", book.document(title, section))
            if page.image is not None:
                archive.writestr(f"EPUB/{name}.png", to_png(enlarged(page.image)), zipfile.ZIP_STORED)
    return data.getvalue()


class _Book:
    """The documents of one book."""

    def __init__(self, title: str, language: str, pages: Sequence[StoryPageContent]) -> None:
        self._title, self._language, self._pages = title, language, pages
        self.names = [f"page-{number:02d}" for number in range(1, len(pages) + 1)]
        text = "\n".join([title, *(page.text for page in pages)])
        self._text = text
        self._direction = direction(right_to_left=is_right_to_left(language, text))

    def document(self, title: str, body: str) -> str:
        """Return a content document."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
            '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
            f'lang="{self._language}" xml:lang="{self._language}" dir="{self._direction}">\n'
            f'<head><title>{markup(title)}</title><link rel="stylesheet" type="text/css" href="style.css"/></head>\n'
            f"<body>\n{body}\n</body>\n</html>\n"
        )

    def contents(self) -> str:
        """Return the navigation document."""
        places = [("title", self._title)]
        places += [
            (name, heading(page.text, number))
            for number, (name, page) in enumerate(zip(self.names, self._pages, strict=True), start=1)
        ]
        items = "\n".join(f'<li><a href="{name}.xhtml">{markup(label)}</a></li>' for name, label in places)
        return self.document(self._title, f'<nav epub:type="toc" id="toc">\n<ol>\n{items}\n</ol>\n</nav>')

    def package(self) -> str:
        """Return the package document: metadata, all files, and the order of reading."""
        identifier = uuid.uuid5(uuid.NAMESPACE_OID, f"{self._language}\n{self._text}").urn
        drawn = [name for name, page in zip(self.names, self._pages, strict=True) if page.image is not None]
        xhtml, png = 'media-type="application/xhtml+xml"', 'media-type="image/png"'
        items = [
            f'<item id="nav" href="nav.xhtml" {xhtml} properties="nav"/>',
            '<item id="style" href="style.css" media-type="text/css"/>',
            *(f'<item id="{name}" href="{name}.xhtml" {xhtml}/>' for name in ("title", *self.names)),
            *(f'<item id="{name}-image" href="{name}.png" {png}{_COVER * (name == drawn[0])}/>' for name in drawn),
        ]
        spine = "".join(f'<itemref idref="{name}"/>' for name in ("title", *self.names))
        accessibility = _ACCESSIBILITY if all(page.alt.strip() for page in self._pages if page.image) else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" '
            f'xml:lang="{self._language}" dir="{self._direction}">\n'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
            f'<dc:identifier id="id">{identifier}</dc:identifier>\n<dc:title>{markup(self._title)}</dc:title>\n'
            f"<dc:language>{self._language}</dc:language>\n"
            f'<meta property="dcterms:modified">{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>\n{accessibility}\n'
            f"</metadata>\n<manifest>\n{chr(10).join(items)}\n</manifest>\n"
            f'<spine page-progression-direction="{self._direction}">{spine}</spine>\n</package>\n'
        )
