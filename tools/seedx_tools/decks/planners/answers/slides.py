"""Outlines and slides of a chat model, changed to what their schemas call them before they are validated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from seedx_tools.decks.outline import MAX_COLUMNS_OF_TEXT
from seedx_tools.decks.planners.answers.drawings import visual_as_meant
from seedx_tools.decks.planners.answers.figures import chart_as_meant, table_as_meant
from seedx_tools.decks.planners.answers.footnotes import read_footnotes
from seedx_tools.decks.planners.answers.lines import heading_of, lines_of
from seedx_tools.decks.planners.answers.names import renamed
from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.lenient import same_word
from seedx_tools.model_answers import written

Warn: TypeAlias = Callable[[str], None]

_OUTLINE_NAMES = {"title": ("deck_title", "presentation_title", "name"), "slides": ("pages", "slide_list", "content")}
_SLIDE_NAMES = {
    "title": ("heading", "headline", "slide_title", "action_title", "name"),
    "bullets": ("bullet", "points", "bullet_points", "key_points", "items", "content", "body", "text", "paragraphs"),
    "notes": ("speaker_notes", "speakernotes", "note"),
    "picture": ("image", "image_prompt", "picture_prompt", "illustration"),
    "source": ("source_line", "sources"),
    "footnotes": ("footnote", "foot_notes", "endnotes"),
    "kind": ("type", "slide_type", "slide_kind"),
}
_COLUMN_NAMES = {"heading": ("title", "header", "name", "label"), "bullets": ("points", "items", "content", "text")}
_QUOTE_NAMES = {"text": ("quote", "content"), "by": ("author", "speaker", "attribution", "source")}
_CODE_NAMES = {"text": ("code", "content", "source"), "language": ("lang",)}
_KINDS = {
    "section": ("divider", "section header", "chapter", "section title"),
    "closing": ("end", "thank you", "thanks", "conclusion slide", "final", "outro"),
    "content": ("bullets", "default", "normal", "text", "standard", "body"),
}
_COVERS = ("title", "cover", "title slide", "title_slide", "intro")
_SIDES = {"full": ("background", "fullscreen", "full bleed"), "auto": ("none", "default", "center")}
_HEADING = re.compile(r"^#{1,3} \S", re.MULTILINE)
_FENCE = re.compile(r"```[ \t]*(?P<language>[\w+#.-]*)[ \t]*\n(?P<text>.*?)\n?[ \t]*```", re.S)
_QUOTES = "\"'\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019 "


def outline_as_meant(value: Any, warn: Warn) -> Any:
    """Return the fields of an outline as its schema calls them, as far as that is sure."""
    if isinstance(value, str) and (heading := _HEADING.search(value)):
        value = parse_markdown_outline(value[heading.start() :].strip("` \n")).model_dump(exclude_defaults=True)
    if isinstance(value, list) and value and all(isinstance(slide, Mapping) for slide in value):
        value = {"title": value[0].get("title"), "slides": value}
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and isinstance(inner := next(iter(value.values())), Mapping):
        value = inner  # {"outline": {...}}
    outline = renamed(value, _OUTLINE_NAMES)
    slides = outline.get("slides")
    if isinstance(slides, Mapping):
        slides = list(slides.values())
    if isinstance(slides, list | tuple):
        slides = [slide for slide in slides if slide]
        if slides and _is_cover(slides[0], outline):
            cover, *slides = slides
            lines = lines_of(renamed(cover, _SLIDE_NAMES).get("bullets"))
            outline["subtitle"] = outline.get("subtitle") or cover.get("subtitle") or " ".join(lines[:1])
            outline["notes"] = outline.get("notes") or cover.get("notes")
        outline["slides"] = [slide_as_meant(slide, warn) for slide in slides]
    outline |= {
        name: heading_of(outline[name]) for name in ("title", "subtitle", "agenda", "sources_title") if name in outline
    }
    if isinstance(outline.get("agenda"), bool):
        outline["agenda"] = "Agenda" if outline["agenda"] else ""
    if "sources" in outline:
        outline["sources"] = lines_of(outline["sources"])
    outline["notes"] = _spoken(outline.get("notes"))
    return outline


def slide_as_meant(value: Any, warn: Warn) -> Any:
    """Return the fields of a slide as its schema calls them, as far as that is sure."""
    if isinstance(value, str):
        title, *points = lines_of(value) or [""]
        value = {"title": title.strip(), "bullets": points}
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and isinstance(inner := next(iter(value.values())), Mapping):
        value = inner  # {"slide": {...}}
    slide = _unfolded(renamed(value, _SLIDE_NAMES))
    if "title" in slide:
        slide["title"] = heading_of(slide["title"])
    _read_kind(slide)
    _take_code(slide)
    points = lines_of(slide.get("bullets"))
    if (subtitle := slide.pop("subtitle", None)) and isinstance(subtitle, str) and subtitle not in points:
        points = [heading_of(subtitle), *points]
    slide["table"] = table_as_meant(slide.get("table"), warn) if slide.get("table") else None
    slide["chart"] = chart_as_meant(slide.get("chart"), warn) if slide.get("chart") else None
    slide["visual"], loose = visual_as_meant(slide.get("visual"), warn)
    slide["bullets"] = [*points, *lines_of(loose)]
    slide["quote"] = _quote(slide.get("quote"))
    _read_columns(slide, warn)
    _read_picture(slide)
    read_footnotes(slide)
    if isinstance(slide.get("source"), list | tuple):
        slide["source"] = "; ".join(written(part) for part in slide["source"])
    slide["notes"] = _spoken(slide.get("notes"))
    return slide


def _is_cover(slide: Any, outline: Mapping[str, Any]) -> bool:
    """Return whether a slide is the title slide, which an outline does not list."""
    if not isinstance(slide, Mapping):
        return False
    kinds = [written(slide.get(name)) for name in ("kind", "type", "layout", "slide_type")]
    if any(same_word(kind, cover) for kind in kinds for cover in _COVERS):
        return True
    filled = {name for name, part in slide.items() if part and name not in ("title", "subtitle", "notes", "picture")}
    return bool(outline.get("title")) and not filled - {"layout"} and slide.get("title") == outline["title"]


def _unfolded(slide: dict[str, Any]) -> dict[str, Any]:
    """Return a slide whose content is an object with fields of the slide, such as {"bullets": ..., "chart": ...}."""
    inner = slide.get("bullets")
    if not isinstance(inner, Mapping):
        return slide
    named = renamed(inner, _SLIDE_NAMES)
    if not named.keys() & {"bullets", "table", "chart", "visual", "quote", "columns", "code"}:
        return slide
    return named | {name: part for name, part in slide.items() if name != "bullets"}


def _read_kind(slide: dict[str, Any]) -> None:
    word = written(slide.get("kind"))
    for kind, others in _KINDS.items():
        if any(same_word(word, other) for other in (kind, *others)):
            slide["kind"] = kind


def _take_code(slide: dict[str, Any]) -> None:
    """Move a fenced block among the points to the slide's code, and take the fence off code."""
    bullets = slide.get("bullets")
    text = "\n".join(bullets) if isinstance(bullets, list) and all(isinstance(b, str) for b in bullets) else bullets
    if isinstance(text, str) and not slide.get("code") and (found := _FENCE.search(text)):
        slide["code"] = found.groupdict()
        slide["bullets"] = text[: found.start()] + text[found.end() :]
    code = slide.get("code")
    if not code:
        slide["code"] = None
        return
    fields = renamed(code, _CODE_NAMES) if isinstance(code, Mapping) else {"text": code}
    if isinstance(fields.get("text"), str):
        fenced = _FENCE.search(fields["text"])
        fields |= {"text": fenced["text"], "language": fenced["language"]} if fenced else {}
    slide["code"] = fields if fields.get("text") else None


def _quote(value: Any) -> Any:
    quote = renamed(value, _QUOTE_NAMES) if isinstance(value, Mapping) else {"text": value}
    if not isinstance(quote.get("text"), str) or not quote["text"].strip():
        return None
    return quote | {"text": quote["text"].strip(_QUOTES)}


def _read_columns(slide: dict[str, Any], warn: Warn) -> None:
    """Set the columns of a slide; a single one becomes points, and more than fit beside each other a table."""
    given = slide.get("columns")
    if isinstance(given, Mapping):
        given = [
            part
            if isinstance(part, Mapping)
            else {"heading": "" if name in ("left", "right") else name, "bullets": part}
            for name, part in given.items()
        ]
    columns = [_column(column) for column in given or ()] if isinstance(given, list | tuple) else []
    columns = [column for column in columns if column["heading"] or column["bullets"]]
    slide["columns"] = columns
    if len(columns) <= 1 or (len(columns) > MAX_COLUMNS_OF_TEXT and slide["table"] is not None):
        slide["columns"] = []
        slide["bullets"] += [line for column in columns for line in _listed(column)]
    elif len(columns) > MAX_COLUMNS_OF_TEXT:
        height = max(len(column["bullets"]) for column in columns)
        rows = [[(c["bullets"] + [""] * height)[number].strip() for c in columns] for number in range(height)]
        header = [column["heading"] or f"{number}" for number, column in enumerate(columns, 1)]
        slide |= {"columns": [], "table": {"header": header, "rows": rows}}
        warn(f"'{written(slide.get('title'))}' had {len(columns)} columns of points; they became a table")


def _column(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {"heading": "", "bullets": lines_of(value)}
    column = renamed(value, _COLUMN_NAMES)
    return column | {"heading": heading_of(column.get("heading")) or "", "bullets": lines_of(column.get("bullets"))}


def _listed(column: Mapping[str, Any]) -> list[str]:
    heading = [written(column["heading"])] if column["heading"] else []
    return [*heading, *(f"\t{line}" if heading else line for line in column["bullets"])]


def _read_picture(slide: dict[str, Any]) -> None:
    picture = slide.get("picture")
    if isinstance(picture, Mapping):
        picture = next((picture[name] for name in ("prompt", "description", "alt", "text") if picture.get(name)), "")
    slide["picture"] = "" if picture is False else None if picture is True else picture
    side = written(slide.get("picture_side"))
    for own, others in _SIDES.items():
        if any(same_word(side, other) for other in others):
            slide["picture_side"] = own


def _spoken(value: Any) -> Any:
    """Return notes as plain text."""
    if isinstance(value, list | tuple):
        value = "\n".join(written(part) for part in value)
    if not isinstance(value, str):
        return value
    return "\n".join(plain_text(line) if line.strip() else "" for line in value.splitlines())
