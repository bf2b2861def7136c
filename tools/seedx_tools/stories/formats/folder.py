"""A story as a folder: PNG images, story.md to read and story.json to process."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from seedx_sdk.errors import OutputPathError
from seedx_tools.stories.plan import StoryPageContent


def write_folder(title: str, language: str, pages: Sequence[StoryPageContent], target: Path) -> None:
    """Write a story to a folder that does not exist, or is empty.

    Raises:
        OutputPathError: If it cannot be written.
    """
    partial = target.with_name(f".{target.name[:80]}-{secrets.token_hex(4)}")
    try:
        partial.mkdir()
        entries = []
        for number, page in enumerate(pages, start=1):
            name = None if page.image is None else f"page-{number:02d}.png"
            if page.image is not None and name is not None:
                page.image.save(partial / name, "PNG")
            entries.append({"text": page.text, "image": name, "alt": page.alt})
        story = {"title": title, "language": language, "pages": entries}
        (partial / "story.json").write_text(json.dumps(story, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
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
            alt = " ".join((entry["alt"] or "").replace("[", "(").replace("]", ")").split())
            parts.append(f"![{alt}]({entry['image']})")
        parts.append(str(entry["text"]))
    return "\n\n".join(parts) + "\n"
