"""Outlines of documents without a language model: their own headings, sentences, tables and figures, nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from seedx_tools.decks.outline import MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.sentences import first_sentence, shorten
from seedx_tools.documents import markdown
from seedx_tools.documents.document import MARKDOWN, Document
from seedx_tools.documents.fitting import fit_pages
from seedx_tools.documents.pages import TITLE_CHARS, Page, pages_of
from seedx_tools.documents.sections import Section, split_sections, without_numbers
from seedx_tools.documents.untitled import pages_without_headings

MAX_UNASKED_SLIDES = 24
"""Slides of a long document when nobody says how many."""
_REFERENCES = re.compile(r"(?:references|bibliography|works cited|literature|literatur|literaturverzeichnis)", re.I)
_NUMBER = re.compile(r"\d{1,3}\. ")
_MAX_REFERENCES = 6
"""A longer list of references goes to the notes."""
_SUBTITLE_CHARS = 120


def document_outline(document: Document, num_slides: int | None) -> Outline:
    """Return the outline of a document: a slide for each of its sections, tables and figures.

    Paragraphs become points in their own sentences; the notes hold what the points leave out.

    Args:
        document: What was read.
        num_slides: Slides including the title slide; sections are merged or parted to fit it. None: as the headings
            say, or as few as hold the text where there are none.
    """
    sections, footnotes = split_sections(document.text)
    warnings = [*document.warnings]
    title = _title(sections) or document.title
    without_numbers(sections)
    cover = _cover(sections)
    references = _references(sections)
    count = None if num_slides is None else num_slides - 1
    if any(section.title for section in sections):
        pages = pages_of(_titled(sections))
    else:
        pages = pages_without_headings([block for section in sections for block in section.blocks], count, title)
    limit = MAX_NUM_SLIDES if count is not None or document.name.lower().endswith(MARKDOWN) else MAX_UNASKED_SLIDES
    if len(pages) >= limit and count is None:
        warnings.append(
            f"'{document.name}' has {len(pages)} parts, which share {limit} slides; num_slides sets how many"
        )
    fitted = fit_pages(pages, count, limit - 1, warnings)
    left_over = [] if fitted else [text for page in pages for text in page.all_said]
    if references:
        warnings.append(f"the {len(references)} references of '{document.name}' are in the notes of the last slide")
    text = _as_markdown(title, cover, fitted, [*references], left_over)
    unused = [note for note in footnotes if note.partition("]")[0] not in text]
    if unused:
        warnings.append(f"{len(unused)} footnotes of '{document.name}' are in the notes of the last slide")
        text += "\n".join(["", *(f"> {note.partition(':')[2].strip()}" for note in unused), ""])
    text += "\n".join(["", *(note for note in footnotes if note not in unused)])
    outline = parse_markdown_outline(text)
    parts = {plan.title for plan in outline.slides if plan.notes}
    if parts:
        warnings.append(
            "planned without a language model: points are sentences of the document; the notes hold the rest"
        )
    slides = tuple(_finished(slide, document.name) for slide in outline.slides)
    return outline.model_copy(update={"slides": slides, "warnings": (*warnings, *outline.warnings)})


def _title(sections: list[Section]) -> str:
    """Return the title in a Markdown text of the user's own, which then heads no section; or an empty string."""
    if not sections or sections[0].level != 1:
        return ""
    if len(sections) > 1 and all(section.level != 2 for section in sections) and sections[1].level == 1:
        for section in sections:  # its main parts are headings of the first level
            section.level += section.level == 1
        return ""
    title = plain_text(sections[0].title)
    sections[0].level, sections[0].title = 2, ""
    if not sections[0].blocks:
        del sections[0]
    return title


def _titled(sections: list[Section]) -> list[Section]:
    """Return the sections; text above the first heading gets its first sentence as title."""
    if sections and not sections[0].title and sections[0].blocks:
        first = next((block.source for block in sections[0].blocks if block.kind == "paragraph"), "")
        sections[0].title = shorten(first_sentence(first), TITLE_CHARS).rstrip(".:") if first else "Overview"
    return sections


def _cover(sections: list[Section]) -> list[str]:
    """Return the short lines between the title and the text, such as authors, which the title slide shows."""
    lines: list[str] = []
    if sections and not sections[0].title and len(sections) > 1:
        blocks = sections[0].blocks
        while blocks and blocks[0].kind == "paragraph" and len(blocks[0].source) <= _SUBTITLE_CHARS:
            lines.append(" ".join(blocks.pop(0).source.split()))
        if not blocks:
            del sections[0]
    return lines


def _references(sections: list[Section]) -> list[str]:
    """Take a long list of references out of the sections, and return it."""
    for number, section in enumerate(sections):
        texts = [text for block in section.blocks for text in (block.items or (" ".join(block.source.split()),))]
        if _REFERENCES.fullmatch(plain_text(section.title)) and len(texts) > _MAX_REFERENCES:
            del sections[number]
            return texts
    return []


def _as_markdown(
    title: str,
    cover: Sequence[str],
    pages: Sequence[Page],
    references: Sequence[str],
    left_over: Sequence[str],
) -> str:
    """Return the Markdown outline of a deck."""
    lines = [markdown.heading(1, escape_inline(title)), *cover[:1], *map(_note, [*cover[1:], *left_over])]
    repeated = Counter(page.title for page in pages)
    seen: Counter[str] = Counter()
    for page in pages:
        seen[page.title] += 1
        part = f" ({seen[page.title]} of {repeated[page.title]})" if repeated[page.title] > 1 else ""
        lines.append(markdown.heading(1 if page.is_divider or page.level == 1 else 2, page.title + part))
        lines += _body(page)
    lines += map(_note, references)
    return "\n\n".join(lines) + "\n"


def _body(page: Page) -> list[str]:
    if page.verbatim:
        return [page.verbatim.strip()]
    points, is_all = page.points()
    listed = "\n".join(_as_item(point.text) for point in points)
    notes = [*([] if is_all else page.told), *page.extra_notes]
    return [*filter(None, [listed, page.block.source if page.block else ""]), *map(_note, notes)]


def _as_item(point: str) -> str:
    bare = point.lstrip("\t")
    return f"{'    ' * (len(point) - len(bare))}{bare if _NUMBER.match(bare) else f'- {bare}'}"


def _note(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.lstrip("\t").splitlines())


def _finished(slide: SlidePlan, name: str) -> SlidePlan:
    """Return a slide with the name of the document under its table or chart."""
    shows_data = slide.table is not None or slide.chart is not None
    return slide.model_copy(update={"source": escape_inline(name)}) if shows_data and not slide.source else slide
