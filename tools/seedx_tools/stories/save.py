"""Saves a story in the format that the path's suffix names, completely or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from seedx_sdk.errors import OutputPathError
from seedx_sdk.files import check_output_path, output_file, write_file
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.theme.build import default_template
from seedx_tools.decks.writing.writer import DeckWriter, set_properties
from seedx_tools.illustration.illustrator import Illustration
from seedx_tools.stories.plan import StoryPageContent

SUFFIXES = (".html", ".htm", ".pdf", ".pptx")
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
            raise OutputPathError(f"the folder '{target}' is not empty; give a new folder, or a .html, .pdf or .pptx")
        check_output_path(target / "story.json")
        return target
    return check_output_path(target)


def save_story(
    title: str, language: str, pages: Sequence[StoryPageContent], target: Path, warn: Callable[[str], None]
) -> None:
    """Write a story to a path that check_story_path returned.

    Args:
        title: The story's title.
        language: BCP 47 code of the text ("en"), for screen readers.
        pages: The pages in order.
        target: The file or folder.
        warn: Called with one sentence for what the format cannot hold.

    Raises:
        OutputPathError: If it cannot be written.
    """
    suffix = target.suffix.lower()
    if suffix in (".html", ".htm"):
        from seedx_tools.stories.html import story_html

        write_file(target, story_html(title, language, pages).encode())
    elif suffix == ".pdf":
        from seedx_tools.stories.pdf import story_pdf

        write_file(target, story_pdf(title, language, pages, warn))
    elif suffix == ".pptx":
        _save_deck(title, pages, target, warn)
    else:
        _save_folder(title, pages, target)


def _save_deck(title: str, pages: Sequence[StoryPageContent], target: Path, warn: Callable[[str], None]) -> None:
    deck = default_template("16:9")
    writer = DeckWriter(deck, warn)
    illustrations = [None if page.image is None else Illustration(page.image, page.alt) for page in pages]
    writer.add_cover(title, "", "", illustrations[0])
    for number, (page, illustration) in enumerate(zip(pages, illustrations, strict=True), start=1):
        writer.add_slide(SlidePlan(title=f"Page {number}", bullets=(page.text,), notes=page.text), illustration)
    set_properties(deck, title)
    with output_file(target) as partial:
        deck.save(str(partial))


def _save_folder(title: str, pages: Sequence[StoryPageContent], target: Path) -> None:
    """Write PNG images, story.md to read and story.json to process."""
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        partial.mkdir()
        entries = []
        for number, page in enumerate(pages, start=1):
            name = None if page.image is None else f"page-{number:02d}.png"
            if page.image is not None and name is not None:
                page.image.save(partial / name, "PNG")
            entries.append({"text": page.text, "image": name, "alt": page.alt})
        (partial / "story.json").write_text(
            json.dumps({"title": title, "pages": entries}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        (partial / "story.md").write_text(_markdown(title, entries), encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        raise OutputPathError(f"cannot write '{target}' ({error.strerror or error}); choose another folder") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _markdown(title: str, entries: Sequence[dict[str, str | None]]) -> str:
    parts = [f"# {title}"]
    for entry in entries:
        if entry["image"]:
            parts.append(f"![{(entry['alt'] or '').replace(']', '')}]({entry['image']})")
        parts.append(str(entry["text"]))
    return "\n\n".join(parts) + "\n"
