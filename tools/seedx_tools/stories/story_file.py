"""Stories of one's own from a file: Markdown, or JSON with pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

from seedx_sdk.errors import InputError

_KEYS = {"title", "characters", "pages"}


class OwnStory(TypedDict, total=False):
    """Arguments of tell_story."""

    prompt: str
    title: str
    characters: list[Any]
    pages: list[Any]


def read_story(path: Path) -> OwnStory:
    """Return what a file says for tell_story.

    Args:
        path: A Markdown file; or a .json file with the list of pages, or an object with title, characters and pages.

    Raises:
        InputError: If the file cannot be read, or is JSON of another kind.
    """
    try:
        text = path.read_text(encoding="utf-8")
        story = json.loads(text) if path.suffix.lower() == ".json" else None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8, or not JSON"
        raise InputError(f"cannot read the story '{path}': {reason}") from error
    if story is None:
        return {"prompt": text}
    if isinstance(story, list):
        return {"pages": story}
    if not isinstance(story, dict) or "pages" not in story or story.keys() - _KEYS:
        raise InputError(f"'{path}' must hold a list of pages, or an object with title, characters and pages")
    return {"title": story.get("title", ""), "characters": story.get("characters", []), "pages": story["pages"]}
