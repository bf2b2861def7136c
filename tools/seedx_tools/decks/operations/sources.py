"""Add a slide that lists the sources of a deck: its source lines, footnotes and links, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_tools.decks.ooxml.links import WEB_LINK
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.shapes import slide_shapes
from seedx_tools.decks.tables import SOURCE_LINE
from seedx_tools.decks.text.inline import escape_inline, parse_inline, plain_text

SOURCES = "Sources"
"""The title of the slide, unless another one is given."""
_NUMBER = re.compile(r"^\t*\d+[.)]\s+")
_SLIDES = re.compile(r"\s*\(slides? \d+(?:, \d+)*\)$")
"""What _named puts behind a source."""


def add_sources(
    seedx: SeedX,
    path: str | os.PathLike[str],
    *,
    title: str = SOURCES,
    output: str | os.PathLike[str] | None = None,
) -> Deck:
    """Return the saved deck with a slide that lists its sources; the XML of its other slides stays byte for byte.

    Listed are the source lines of figures, the footnotes and the links to web pages, each once, numbered, with the
    slides that name it. The slide comes before the closing slide, else at the end; a slide with this title is updated.

    Args:
        seedx: Named in the result; it is not asked anything.
        path: Any .pptx.
        title: The title of the slide.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If the file cannot be opened.
        InputError: If the deck names no source.
        OutputPathError: If it cannot be written.
    """
    slides = list(open_deck(path).slides)
    plans = [read_slide(slide) for slide in slides]
    existing = next(
        (n for n, plan in enumerate(plans, 1) if plain_text(plan.title).casefold() == title.strip().casefold()), None
    )
    listed: dict[tuple[str, frozenset[str]], tuple[str, list[int]]] = {}
    if existing is not None:
        for point in plans[existing - 1].bullets:
            listed.setdefault(_key(_bare(point)), (_bare(point), []))
    for number, (slide, plan) in enumerate(zip(slides, plans, strict=True), start=1):
        for source in () if number == existing else _sources_of(slide, plan):
            _, places = listed.setdefault(_key(source), (source, []))
            if number not in places:
                places.append(number)
    if not any(places for _, places in listed.values()):
        raise InputError(
            "the deck names no sources: no line 'Source: ...', no footnote and no link to a web page; add them to the "
            "slides first, such as 'Source: Annual report 2025' under a chart"
        )
    ends = bool(plans) and plans[-1].kind == "closing" and existing is None
    shift = len(slides) if ends else len(slides) + 1
    points = tuple(
        f"{count}. {source}{_named(places, shift)}" for count, (source, places) in enumerate(listed.values(), start=1)
    )
    plan = SlidePlan(title=title, bullets=points, picture="")
    if existing is not None:
        return revise_slide(seedx, path, existing, plan, output=output, pictures=False)
    at = len(slides) if ends else None
    return append_slides(seedx, path, Outline(title=title, slides=(plan,)), at=at, output=output, pictures=False)


def _sources_of(slide: Slide, plan: SlidePlan) -> Iterator[str]:
    """Yield what a slide names as its sources, as inline Markdown."""
    named = [plan.source] if plan.source else []
    for placed in slide_shapes(slide):
        if placed.kind == "text":
            lines = [paragraph.text.strip() for paragraph in placed.shape.text_frame.paragraphs]
            named += [escape_inline(line) for line in lines if SOURCE_LINE.match(line)]
    for line in dict.fromkeys(named):
        yield _without_word(line)
    yield from (note for note in plan.footnotes if note.strip())
    yield from _links(slide)


def _links(slide: Slide) -> Iterator[str]:
    """Yield the links of a slide to web pages as Markdown links with their text."""
    targets = {rel.rId: rel.target_ref for rel in slide.part.rels.values() if rel.is_external}
    texts: dict[str, dict[Any, str]] = {}
    for click in slide.element.iter(qn("a:hlinkClick")):
        target = targets.get(str(click.get(qn("r:id"))), "")
        if WEB_LINK.match(target) and not target.lower().startswith("mailto:"):
            run = click.getparent().getparent()  # a link may be on several runs of a paragraph
            pieces = texts.setdefault(target, {})
            pieces[run.getparent()] = pieces.get(run.getparent(), "") + _text_of(run)
    for target, pieces in texts.items():
        shown = next((text.strip() for text in pieces.values() if text.strip()), target)
        yield f"[{escape_inline(shown)}](<{target}>)" if shown != target else f"<{target}>"


def _text_of(run: Any) -> str:
    """Return the text of a run that a link is on; empty for the link of a shape."""
    return str(run.findtext(qn("a:t")) or "") if run.tag == qn("a:r") else ""


def _without_word(line: str) -> str:
    """Return a source line without the word "Source:" before it."""
    head, colon, rest = line.partition(":")
    return rest.strip() if colon and SOURCE_LINE.match(f"{plain_text(head)}: x") and rest.strip() else line.strip()


def _key(source: str) -> tuple[str, frozenset[str]]:
    """Return what is the same for two ways to write one source."""
    spans = parse_inline(source)
    return " ".join("".join(span.text for span in spans).split()).casefold(), frozenset(
        span.link for span in spans if span.link
    )


def _bare(point: str) -> str:
    return _SLIDES.sub("", _NUMBER.sub("", point)).strip()


def _named(places: list[int], shift: int) -> str:
    """Return the numbers of the slides that name a source, as they are once its slide is there."""
    numbers = [str(number if number < shift else number + 1) for number in places]
    if not numbers:
        return ""
    return f" (slide {numbers[0]})" if len(numbers) == 1 else f" (slides {', '.join(numbers)})"
