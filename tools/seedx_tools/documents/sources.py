"""Files as the source of a deck: documents and tables, one or several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.documents import tables
from seedx_tools.documents.document import MARKDOWN, Document, read_document
from seedx_tools.documents.figures import write_figures
from seedx_tools.documents.outlines import document_outline
from seedx_tools.documents.table_outlines import tables_outline
from seedx_tools.documents.tables import Tables, read_tables

MAX_SOURCES = 20


def read_source(path: Path) -> Document | Tables:
    """Return what a file holds.

    Raises:
        InputError: If it cannot be used.
        MissingExtraError: If its reader is not installed.
    """
    return read_tables(path) if path.suffix.lower() in tables.SUFFIXES else read_document(path)


def files_of(
    found: Sequence[Document | Tables], paths: Sequence[Path], files: str | os.PathLike[str] | None, folder: Path
) -> str | os.PathLike[str] | None:
    """Return the folder of the files that the outline of sources names; their figures are written into `folder`.

    Args:
        found: What was read.
        paths: From where.
        files: The folder that the user gives for pictures and CSV files; None: that of a Markdown file.
        folder: An empty folder.
    """
    figures = tuple(figure for source in found if isinstance(source, Document) for figure in source.figures)
    if figures:
        write_figures(figures, folder)
        return folder
    markdown = [path.parent for path in paths if path.suffix.lower() in MARKDOWN]
    return files if files is not None or not markdown else markdown[0]


def sources_outline(found: Sequence[Document | Tables], num_slides: int | None) -> Outline:
    """Return the outline of one source, or of several: each further one under a divider with its title.

    Args:
        found: What was read.
        num_slides: Slides including the title slide, which the sources share by their length; None: all.

    Raises:
        InputError: If there are none or too many.
    """
    if not 1 <= len(found) <= MAX_SOURCES:
        raise InputError(f"{len(found)} sources were given; pass 1 to {MAX_SOURCES} files")
    if len(found) == 1:
        return _outline(found[0], num_slides)
    outlines = [_outline(source, None) for source in found]
    room = (MAX_NUM_SLIDES if num_slides is None else num_slides) - 1 - 1  # the title slide and the sources
    if sum(len(outline.slides) + 1 for outline in outlines) > room or num_slides is not None:
        outlines = [_outline(source, share) for source, share in zip(found, _shares(outlines, room), strict=True)]
    dividers = num_slides is None or sum(len(outline.slides) + 1 for outline in outlines) <= room
    slides: list[SlidePlan] = []
    for number, outline in enumerate(outlines):
        if number and dividers:  # the title slide opens the first
            slides.append(SlidePlan(title=outline.title, kind="section", notes=outline.notes))
        slides += outline.slides
    return Outline(
        title=outlines[0].title,
        subtitle=outlines[0].subtitle,
        notes=outlines[0].notes,
        slides=tuple(slides),
        sources=tuple(dict.fromkeys(source.name for source in found)),
        warnings=tuple(warning for outline in outlines for warning in outline.warnings),
    )


def _outline(source: Document | Tables, num_slides: int | None) -> Outline:
    if isinstance(source, Document):
        return document_outline(source, num_slides)
    own = [
        SlidePlan(title=title, chart=chart, picture="", source=escape_inline(source.name))
        for title, chart in source.charts
    ]
    if not source.tables:
        return Outline(title=source.title, slides=tuple(own), warnings=source.warnings)
    left = None if num_slides is None else max(2, num_slides - len(own))
    outline = tables_outline(source, left)
    room = None if num_slides is None else max(0, num_slides - 1 - len(outline.slides))
    if room is not None and room < len(own):
        lost = f"{len(own) - room} charts of '{source.name}' have no room on {num_slides} slides"
        outline = outline.model_copy(update={"warnings": (*outline.warnings, lost)})
    return outline.model_copy(update={"slides": (*own[:room], *outline.slides)})


def _shares(outlines: Sequence[Outline], room: int) -> list[int]:
    """Return how many slides, counting a divider as its title slide, each source may have; at least two."""
    lengths = [len(outline.slides) + 1 for outline in outlines]
    return [max(2, round(room * length / sum(lengths))) for length in lengths]
