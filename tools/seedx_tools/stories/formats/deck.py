"""A story as an editable deck: a slide a page, whose title is the sentence that the page begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import ImageFont
from pptx.opc.oxml import serialize_part_xml
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.theme.build import default_template
from seedx_tools.decks.writing.writer import DeckWriter, set_properties
from seedx_tools.illustration.illustrator import Illustration
from seedx_tools.stories.formats.headings import MAX_CHARS, first_sentence, heading
from seedx_tools.stories.formats.typesetting import paragraphs
from seedx_tools.stories.language import is_right_to_left
from seedx_tools.stories.plan import StoryPageContent

_EAST_ASIAN_FONTS = {
    "ja": "Yu Gothic",
    "ko": "Malgun Gothic",
    "zh": "Microsoft YaHei",
    "zh-hant": "Microsoft JhengHei",
    "zh-hk": "Microsoft JhengHei",
    "zh-tw": "Microsoft JhengHei",
}
"""PowerPoint's own fonts; other programs have substitutes for them."""


def story_deck(
    title: str,
    language: str,
    pages: Sequence[StoryPageContent],
    warn: Callable[[str], None],
    font: Path | None = None,
) -> PresentationObject:
    """Return the deck of a story.

    Args:
        title: The title of the cover and the document.
        language: BCP 47 code of the text.
        pages: The pages in order.
        warn: Called with one sentence for what does not fit.
        font: The file of a font that all text asks for by name; None: the theme's fonts.
    """
    deck = default_template("16:9")
    _set_fonts(deck, language, None if font is None else _family(font))
    writer = DeckWriter(deck, warn, bullets=False)
    illustrations = [None if page.image is None else Illustration(page.image, page.alt) for page in pages]
    writer.add_cover(title, "", "", illustrations[0])
    text = " ".join([title, *(page.text for page in pages)])
    side = "right" if is_right_to_left(language, text) else "auto"
    for number, (page, illustration) in enumerate(zip(pages, illustrations, strict=True), start=1):
        name, body = _title_and_body(page.text, number)
        writer.add_slide(
            SlidePlan(title=name, bullets=tuple(paragraphs(body)), notes=page.text, picture_side=side), illustration
        )
    _set_language(deck, language)
    set_properties(deck, title)
    deck.core_properties.language = language
    return deck


def _title_and_body(text: str, number: int) -> tuple[str, str]:
    """Return the first sentence and what follows it; a sentence too long for a title is in the body as well."""
    first, rest = first_sentence(text)
    return (first, rest) if first and len(first) <= MAX_CHARS else (heading(text, number), text)


def _set_fonts(deck: PresentationObject, language: str, family: str | None) -> None:
    """Set the theme's typefaces: all to one family, or the East Asian ones to fonts that have the letters."""
    east_asian = _EAST_ASIAN_FONTS.get(language.lower(), _EAST_ASIAN_FONTS.get(language.lower().split("-")[0]))
    faces = {"latin": family, "ea": family or east_asian, "cs": family}
    part = next(rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    theme = parse_xml(part.blob)
    for which in ("a:majorFont", "a:minorFont"):
        for script, face in faces.items():
            if face:
                theme.find(f".//{qn(which)}/{qn('a:' + script)}").set("typeface", face)
    part._blob = serialize_part_xml(theme)


def _family(font: Path) -> str:
    return str(ImageFont.truetype(str(font)).getname()[0])


def _set_language(deck: PresentationObject, language: str) -> None:
    """Mark all text of the slides and their notes with its language, for spelling, fonts and screen readers."""
    for slide in deck.slides:
        parts: list[Any] = [slide.element]
        if slide.has_notes_slide:
            parts.append(slide.notes_slide.element)
        for element in parts:
            for run in element.iter(qn("a:r"), qn("a:fld")):
                run.get_or_add_rPr().set("lang", language)
