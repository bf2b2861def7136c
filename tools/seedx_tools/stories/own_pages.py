"""Stories whose words the caller wrote: a list of pages, or Markdown with a title and pages.

# Title                          the title; text before the first page is a page, too
## Page 1                        begins a page; a heading that says more is part of its text
Mina counted the boats.          what the page says, word for word
![a red cat on the beach](draw)  what its image shows
---                              also begins a page; without headings and rules, each paragraph is one
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from seedx_sdk.errors import InputError
from seedx_tools.stories.plan import MAX_PAGES, PagePlan, StoryPlan, and_join

PageLike: TypeAlias = PagePlan | Mapping[str, Any] | str
"""A page: a PagePlan, a mapping with its fields, or only its text."""

_TITLE = re.compile(r"#[ \t]+(.+)")
_PAGE = re.compile(r"#+[ \t]+(.+)|-{3,}|\*{3,}|_{3,}")
_NUMBER = re.compile(r"(?:page|p\.)?\s*(?:\d+|[ivx]+)?\s*[.:]?", re.IGNORECASE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
_DRAW = ("", "draw")


def page_plans(pages: Sequence[PageLike]) -> tuple[PagePlan, ...]:
    """Return the pages that a caller gave.

    Raises:
        InputError: If there are none or more than MAX_PAGES, or a page is not valid; the message names the page.
    """
    if isinstance(pages, str | Mapping):
        raise InputError("pages must be a number or a list of pages, each with a text")
    if not 1 <= len(pages) <= MAX_PAGES:
        raise InputError(f"pages has {len(pages)} pages; give 1 to {MAX_PAGES}, and tell a longer story in parts")
    return tuple(_page_plan(page, number) for number, page in enumerate(pages, start=1))


def _page_plan(page: PageLike, number: int) -> PagePlan:
    try:
        return PagePlan.model_validate({"text": page} if isinstance(page, str) else page)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        field = "".join(f" {step}" for step in fault["loc"][:1])
        raise InputError(f"page {number}:{field} {_words(fault['type'], fault['msg'])}") from error


def _words(kind: str, message: str) -> str:
    fields = and_join(tuple(PagePlan.model_fields))
    known = {
        "missing": "is missing; every page needs it",
        "extra_forbidden": f"is not a field of a page; use {fields}",
        "string_type": "must be text",
        "tuple_type": "must be a list of names",
        "model_type": f"must be an object with {fields}",
    }
    return known.get(kind, message.removeprefix("Value error, "))


def is_markdown_story(text: str) -> bool:
    """Return whether a text is a story in Markdown: a heading, and something after it."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return len(lines) > 1 and bool(_TITLE.fullmatch(lines[0]) or lines[0].startswith("## "))


def markdown_story(text: str) -> StoryPlan:
    """Return the story in a Markdown text, word for word.

    Raises:
        InputError: If it has no pages, or more than MAX_PAGES.
    """
    title, body = "", text.strip()
    if found := _TITLE.match(body):
        title, body = found.group(1).strip(" \t#"), body[found.end() :]
    pages = [page for page in map(_markdown_page, _sections(body)) if page["text"] or page["picture"]]
    silent = [str(number) for number, page in enumerate(pages, start=1) if not page["text"]]
    if silent:
        raise InputError(f"page {and_join(silent)} has an image and no text; write what the page says")
    files = [f"page {number}" for number, page in enumerate(pages, start=1) if page.pop("file")]
    warnings = (f"{and_join(files)}: the image file was not used; the image is drawn from its description",)
    plans = page_plans(pages)
    return StoryPlan(title=title or plans[0].text[:60], pages=plans, warnings=warnings if files else ())


def _sections(body: str) -> list[list[str]]:
    """Return the lines of each page."""
    lines = body.splitlines()
    if any(_PAGE.fullmatch(line.strip()) for line in lines):
        sections: list[list[str]] = [[]]
        for line in lines:
            if begins := _PAGE.fullmatch(line.strip()):
                heading = (begins.group(1) or "").strip(" \t#")
                sections.append([] if _NUMBER.fullmatch(heading) else [heading, ""])
            else:
                sections[-1].append(line)
        return sections
    paragraphs, images = list[list[str]](), list[str]()
    blocks = [block for block in re.split(r"\n[ \t]*\n", body) if block.strip()]
    image_first = bool(blocks) and _is_image(blocks[0])  # as in the story.md of a saved story
    for block in blocks:
        if not _is_image(block):
            paragraphs.append([*images, *block.splitlines()])
            images = []
        elif image_first or not paragraphs:
            images += block.splitlines()
        else:
            paragraphs[-1] += block.splitlines()
    return [*paragraphs, images]


def _is_image(block: str) -> bool:
    return not _IMAGE.sub("", block).strip()


def _markdown_page(lines: Sequence[str]) -> dict[str, Any]:
    section = "\n".join(lines)
    images = _IMAGE.findall(section)
    text = re.sub(r"\n{3,}", "\n\n", _IMAGE.sub("", section)).strip()
    picture = " and ".join(alt.strip() for alt, _ in images if alt.strip())
    return {"text": text, "picture": picture, "file": any(target.strip() not in _DRAW for _, target in images)}
