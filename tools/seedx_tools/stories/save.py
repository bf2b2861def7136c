"""Saves a story in the format that the path's suffix names, completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from seedx_sdk.errors import OutputPathError
from seedx_sdk.files import check_output_path, output_file, write_file
from seedx_tools.decks.text.strings import clean
from seedx_tools.stories.formats.fonts import check_font, choose_fonts, printable, require_letters
from seedx_tools.stories.formats.headings import heading
from seedx_tools.stories.language import check_language
from seedx_tools.stories.plan import StoryPageContent

SUFFIXES = (".html", ".htm", ".pdf", ".epub", ".pptx")
"""Formats of a story file; a path without a suffix is a folder."""


def check_story_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a story file or folder after checking that it can be written.

    Raises:
        OutputPathError: If the suffix is not one of SUFFIXES, the path cannot be written, or the folder is not empty.
    """
    target = Path(path)
    if target.suffix and not target.is_dir():
        return check_output_path(target, SUFFIXES)
    if target.is_dir():
        if any(target.iterdir()):
            raise OutputPathError(
                f"the folder '{target}' is not empty; give a new folder, or a file that ends in {', '.join(SUFFIXES)}"
            )
        check_output_path(target / "story.json")
        return target
    return check_output_path(target)


def check_characters(
    title: str, texts: Sequence[str], target: Path | None, font: str | os.PathLike[str] | None = None
) -> None:
    """Check that a story can be saved in its format, before any image of it is generated.

    Args:
        title: The story's title.
        texts: The texts of its pages.
        target: Where it will be saved, or None.
        font: As for save_story.

    Raises:
        InputError: If it is for a .pdf and has letters that no font has.
    """
    path = check_font(font)
    if target is not None and target.suffix.lower() == ".pdf":
        require_letters(choose_fonts(printable("\n".join([title, *texts])), path), path)


def save_story(
    title: str,
    language: str,
    pages: Sequence[StoryPageContent],
    target: Path,
    warn: Callable[[str], None],
    *,
    font: str | os.PathLike[str] | None = None,
) -> None:
    """Write a story to a path that check_story_path returned.

    Args:
        title: The story's title; if it is empty, its first sentence.
        language: BCP 47 code of the text ("en"), for screen readers, line breaks and the direction.
        pages: The pages in order.
        target: The file or folder.
        warn: Called with one sentence for what the format cannot hold.
        font: A .ttf, .otf or .ttc file whose letters a .pdf shows and whose name a .pptx asks for. None: what there is.

    Raises:
        OutputPathError: If it cannot be written.
        InputError: If the language or the font is not one, or a .pdf has letters that no font has.
    """
    suffix = target.suffix.lower()
    face, language = check_font(font), check_language(language)
    title = clean(title) or heading(pages[0].text, 1)
    if face is not None and suffix not in (".pdf", ".pptx"):
        warn("a font is used in .pdf and .pptx only; other formats show the fonts of the reader's device")
    if suffix in (".html", ".htm"):
        from seedx_tools.stories.formats.html import story_html

        write_file(target, story_html(title, language, pages).encode())
    elif suffix == ".pdf":
        from seedx_tools.stories.formats.pdf import story_pdf

        write_file(target, story_pdf(title, language, pages, warn, face))
    elif suffix == ".epub":
        from seedx_tools.stories.formats.epub import story_epub

        write_file(target, story_epub(title, language, pages))
    elif suffix == ".pptx":
        from seedx_tools.stories.formats.deck import story_deck

        with output_file(target) as partial:
            story_deck(title, language, pages, warn, face).save(str(partial))
    else:
        from seedx_tools.stories.formats.folder import write_folder

        write_folder(title, language, pages, target)
