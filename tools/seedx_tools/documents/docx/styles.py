"""Word files before they are read: headings by their style, outline level or size, and no hidden text."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lxml import etree

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DOCUMENT, _STYLES = "word/document.xml", "word/styles.xml"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_LARGER = 1.15
"""Type this many times as large as the text is that of headings."""
_MAX_CHARS = 90
_MAX_LEVELS = 3
_DEFAULT_SIZE = 20
"""Half points: the size of text where a file does not say."""


@dataclass(frozen=True, slots=True)
class _Style:
    parent: str
    level: int
    """1 to 6 for a heading, else 0."""
    size: int
    """Half points; 0 if it has that of its parent."""


def prepared(data: bytes, name: str, warnings: list[str]) -> bytes:
    """Return a Word file whose headings have the built-in styles, and whose hidden text is gone.

    Headings are paragraphs of a style that is based on a built-in one or has an outline level; in a file without any,
    short paragraphs in larger type. A file that is not as Word writes it is returned as it is.

    Args:
        data: The file.
        name: Its name in messages.
        warnings: Gets a sentence on text that was hidden.
    """
    with zipfile.ZipFile(BytesIO(data)) as package:
        if _DOCUMENT not in package.namelist():
            return data
        try:
            root = _parsed(package.read(_DOCUMENT))
            sheet = _parsed(package.read(_STYLES)) if _STYLES in package.namelist() else None
        except etree.XMLSyntaxError:
            return data  # its reader says what is wrong
        hidden = _drop_hidden(root)
        if hidden:
            warnings.append(f"'{name}': {hidden} pieces of hidden text were left out")
        _mark_headings(root, sheet)
        changed = BytesIO()
        with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
            for part in package.infolist():
                is_document = part.filename == _DOCUMENT
                new.writestr(part, etree.tostring(root, encoding="utf-8") if is_document else package.read(part))
    return changed.getvalue()


def _parsed(xml: bytes) -> Any:
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))


def _drop_hidden(root: Any) -> int:
    """Remove the runs that Word does not show, and return how many with text there were."""
    count = 0
    for mark in list(root.iter(f"{_W}vanish")):
        run = mark.getparent().getparent()
        if run is None or run.tag != f"{_W}r" or mark.get(f"{_W}val", "1") in ("0", "false"):
            continue
        count += bool("".join(run.itertext()).strip())
        run.getparent().remove(run)
    return count


def _mark_headings(root: Any, sheet: Any) -> None:
    styles = {} if sheet is None else {str(one.get(f"{_W}styleId")): _style(one) for one in sheet.iter(f"{_W}style")}
    paragraphs = [
        one for one in root.iter(f"{_W}p") if next(one.iterancestors(f"{_W}tc", f"{_W}txbxContent"), None) is None
    ]
    levels = {one: level for one in paragraphs if (level := _level(one, styles))}
    if not levels:
        levels = _by_size(paragraphs, styles, _default_size(sheet))
    for paragraph, level in levels.items():
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            properties = etree.Element(f"{_W}pPr")
            paragraph.insert(0, properties)
        style = properties.find(f"{_W}pStyle")
        if style is None:
            style = etree.Element(f"{_W}pStyle")
            properties.insert(0, style)
        style.set(f"{_W}val", f"Heading{level}")


def _style(element: Any) -> _Style:
    name, parent = _value(element, "name"), _value(element, "basedOn")
    outline = _value(element, "pPr/outlineLvl")
    found = _HEADING.fullmatch(name)
    level = int(found[1]) if found else int(outline) + 1 if outline.isdigit() else 0
    size = _value(element, "rPr/sz")
    return _Style(parent, level if level <= 6 else 0, int(size) if size.isdigit() else 0)


def _value(element: Any, path: str) -> str:
    found = element.find("/".join(f"{_W}{part}" for part in path.split("/")))
    return "" if found is None else str(found.get(f"{_W}val", ""))


def _chain(name: str, styles: Mapping[str, _Style]) -> Iterator[_Style]:
    """Yield a style and those that it is based on."""
    seen: set[str] = set()
    while name in styles and name not in seen:
        seen.add(name)
        yield styles[name]
        name = styles[name].parent


def _level(paragraph: Any, styles: Mapping[str, _Style]) -> int:
    """Return the level of a heading with text, 1 to 6; 0 for any other paragraph."""
    if not "".join(paragraph.itertext()).strip():
        return 0
    outline = _value(paragraph, "pPr/outlineLvl")
    if outline.isdigit():
        return int(outline) + 1 if int(outline) < 6 else 0
    return next((style.level for style in _chain(_value(paragraph, "pPr/pStyle"), styles) if style.level), 0)


def _by_size(paragraphs: list[Any], styles: Mapping[str, _Style], default: int) -> dict[Any, int]:
    """Return the levels of short paragraphs whose type is larger than that of most text."""
    sizes: dict[Any, int] = {}
    chars: Counter[int] = Counter()
    for paragraph in paragraphs:
        own = next((style.size for style in _chain(_value(paragraph, "pPr/pStyle"), styles) if style.size), default)
        runs = [run for run in paragraph.iter(f"{_W}r") if "".join(run.itertext()).strip()]
        found = {int(size) if (size := _value(run, "rPr/sz")).isdigit() else own for run in runs}
        for run in runs:
            size = _value(run, "rPr/sz")
            chars[int(size) if size.isdigit() else own] += len("".join(run.itertext()))
        if len(found) == 1:
            sizes[paragraph] = next(iter(found))
    if len(chars) < 2:
        return {}
    body = max(chars, key=lambda size: (chars[size], -size))
    large = {
        paragraph: size
        for paragraph, size in sizes.items()
        if size >= _LARGER * body
        and len(text := "".join(paragraph.itertext()).strip()) <= _MAX_CHARS
        and text[-1] not in ".;,"
    }
    order = sorted(set(large.values()), reverse=True)[:_MAX_LEVELS]
    return {paragraph: order.index(size) + 1 for paragraph, size in large.items() if size in order}


def _default_size(sheet: Any) -> int:
    size = "" if sheet is None else _value(sheet, "docDefaults/rPrDefault/rPr/sz")
    return int(size) if size.isdigit() else _DEFAULT_SIZE
