"""Reads HTML as Markdown: headings, paragraphs, lists, tables, figures and footnotes."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from seedx_sdk.errors import InputError, needs_extra
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.documents import markdown
from seedx_tools.documents.figures import Figures
from seedx_tools.documents.files import read_bytes
from seedx_tools.documents.html_tables import captions, parted_cells, take_layouts_apart
from seedx_tools.documents.raised import raise_and_lower

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

TITLE = "title"
"""The class of the paragraph that is the document's title."""
_NOT_CONTENT = "script style noscript template nav aside footer form button svg hr".split()
_EMBEDDED = "iframe object embed video audio canvas".split()
_ICON = 4
"""A drawing inside a page of at most so many elements, and without text, is an icon."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HEADINGS = re.compile("^h[1-6]$")
_HEADING_CHARS = 90
_DATA = re.compile(rb"data:image/[\w.+-]+(?:;[\w=-]+)*;base64,([\w+/=%\s-]*)", re.I)
_HELD = "data:held/"
"""What stands for a picture that is in the page itself, before its number."""


def read_html(data: bytes, path: Path, figures: Figures, warnings: list[str]) -> tuple[str, str]:
    """Return the title of an HTML file, or an empty string, and the text of its main part as Markdown below that title.

    Pictures are read from the file itself and from the folder that it is in; nothing is fetched.

    Raises:
        MissingExtraError: If markdownify is not installed.
    """
    held: list[bytes] = []

    def hold(found: re.Match[bytes]) -> bytes:
        held.append(found[1])
        return b"%s%d" % (_HELD.encode(), len(held) - 1)

    soup = parse_html(_DATA.sub(hold, data))  # the parser drops an attribute of several megabytes
    for remote in (remote for remote in soup.find_all("img") if _is_remote(str(remote.get("src", "")))):
        remote.decompose()
        figures.leave_out("they are on the Web, and nothing is fetched")
    return to_markdown(soup, lambda source: _picture(source, path, figures, held), warnings)


def parse_html(html: str | bytes) -> BeautifulSoup:
    """Return the tree of an HTML text.

    Raises:
        MissingExtraError: If markdownify, which brings the parser, is not installed.
    """
    with needs_extra("documents"):
        from bs4 import BeautifulSoup
    return BeautifulSoup(html, "lxml")


def to_markdown(soup: BeautifulSoup, picture: Callable[[str], str | None], warnings: list[str]) -> tuple[str, str]:
    """Return the title of a page and its content, whose main headings have two #, so that each becomes a slide.

    Args:
        soup: The page, which is changed.
        picture: Returns the file name of a picture for its address; None, if it is left out.
        warnings: Gets a sentence on each table that was changed.
    """
    main = soup.find("main") or soup.find("article") or soup.body or soup
    take_layouts_apart(main)
    first = main.find("h1", class_=TITLE) or (main.h1 if len(main.find_all("h1")) == 1 else None)
    named = first or soup.title
    title = " ".join(named.get_text(" ").split()) if named is not None else ""
    for part in filter(None, (first, soup.title)):
        part.decompose()
    for quote in main.find_all("blockquote"):
        _unquote(quote)
    lost = {str(part.name) for part in main.find_all(_EMBEDDED)}
    if drawings := [one for one in main.find_all("svg") if one.get_text().strip() or len(one.find_all(True)) > _ICON]:
        warnings.append(f"{len(drawings)} drawings inside the page were left out; save them as .svg files")
    if lost:
        warnings.append(f"embedded content was left out: {', '.join(sorted(lost))}")
    _drop(main.find_all([*_NOT_CONTENT, *_EMBEDDED]))
    _drop(main.find_all(None, {"style": _HIDDEN}))
    _drop(main.find_all(None, {"hidden": True}))
    captions(main)
    _make_headings(main)
    footnotes = _footnotes(main)
    raise_and_lower(main)
    _define_terms(main)
    for figure in main.find_all("figure"):
        _name_picture(figure)
    for image in main.find_all("img"):
        name = picture(str(image.get("src", "")))
        shown = "" if name is None else markdown.picture(name, str(image.get("alt", "")))
        is_inline = image.find_parent(["td", "th", "li", _HEADINGS]) is not None
        _replace(image, shown if is_inline or not shown else f"\n\n{shown}\n\n")
    for table in main.find_all("table"):
        if (rows := parted_cells(table)) is not None:
            warnings.append("merged cells of a table were parted: each holds the text of all")
            _replace(table, "\n\n" + markdown.table(rows) + "\n\n")
    text = re.sub(r"\n{3,}", "\n\n", _converted(main)).strip()
    return title, "\n\n".join([text, *footnotes])


def _converted(main: Tag) -> str:
    with needs_extra("documents"):
        from markdownify import MarkdownConverter

    class Converter(MarkdownConverter):
        def escape(self, text: str, parent_tags: set[str]) -> str:
            escaped: str = super().escape(text, parent_tags)  # type: ignore[misc]  # its stub leaves the method out
            return escaped.replace("$", "\\$")

        def convert_raw(self, el: Tag, _text: str, **_: object) -> str:
            return str(el["markdown"])

    converter = Converter(heading_style="atx", bullets="-", table_infer_header=True, escape_misc=True)
    return str(converter.convert_soup(main))


def _drop(parts: Iterable[Tag]) -> None:
    for part in list(parts):
        if not part.decomposed:
            part.decompose()


def _replace(part: Tag, text: str) -> None:
    """Put Markdown in place of a part; an element of our own carries it past the converter's escapes."""
    raw = parse_html("<raw></raw>").find("raw")
    assert raw is not None
    raw["markdown"] = text
    part.replace_with(raw)


def _make_headings(main: Tag) -> None:
    """Shift headings so that the main ones have level two; without any, short bold paragraphs are headings."""
    headings = main.find_all(_HEADINGS)
    if not headings:
        for paragraph in main.find_all("p"):
            text = paragraph.get_text().strip()
            bold = " ".join(part.get_text() for part in paragraph.find_all(["strong", "b"], recursive=False)).strip()
            in_cell = paragraph.find_parent(["td", "th", "li"]) is not None
            if text and text == bold and len(text) <= _HEADING_CHARS and text[-1] not in ".,;:" and not in_cell:
                paragraph.name = "h2"
                paragraph.string = text
    shift = 2 - min((int(heading.name[1]) for heading in headings), default=2)
    for heading in headings:
        heading.name = f"h{min(6, int(heading.name[1]) + shift)}"
        if not heading.get_text().strip():
            heading.unwrap()


def _footnotes(main: Tag) -> list[str]:
    """Return the footnotes of a page, and put their marks in place of the links to them."""
    notes: list[str] = []
    for link in main.find_all("a", href=re.compile("^#.")):
        if link.decomposed:  # it led back to the text from a footnote
            continue
        target = main.find(id=str(link["href"])[1:])
        mark = link.get_text().strip("[]() \n")
        if (
            target is None
            or not re.fullmatch(r"\d{1,3}|[*\u2020\u2021]", mark)
            or target.find(href="#" + _id(link)) is None
        ):
            continue
        for back in target.find_all("a", href="#" + _id(link)):
            back.decompose()
        number = len(notes) + 1
        notes.append(f"[^{number}]: {escape_inline(' '.join(target.get_text(' ').split()))}")
        holder = link.parent if link.parent is not None and link.parent.name == "sup" else link
        _replace(holder, f"[^{number}]")
        around = target.parent
        target.decompose()
        if around is not None and not around.get_text().strip():
            around.decompose()
    return notes


def _define_terms(main: Tag) -> None:
    """Turn a list of terms into a list: each term in bold before what it means."""
    for terms in main.find_all("dl"):
        for term in terms.find_all("dt"):
            meanings = list(itertools.takewhile(lambda one: one.name == "dd", term.find_next_siblings(["dt", "dd"])))
            said = "; ".join(" ".join(one.get_text(" ").split()) for one in meanings)
            _drop(meanings)
            term.name = "li"
            name = " ".join(term.get_text(" ").split())
            shown = f"**{escape_inline(name)}**: {escape_inline(said)}" if said else f"**{escape_inline(name)}**"
            term.clear()
            holder = parse_html("<span></span>").find("span")
            assert holder is not None
            term.append(holder)
            _replace(holder, shown)
        terms.name = "ul"


def _id(link: Tag) -> str:
    holder = link if link.get("id") else link.find_parent(id=True)
    return str(holder["id"]) if holder is not None else "\0"


def _unquote(quote: Tag) -> None:
    """Turn a quotation into a paragraph: a quotation mark at each end, and who said it."""
    by = quote.find(["cite", "footer"])
    who = by.extract().get_text(" ").strip(" \n\u2014\u2013-") if by is not None else ""
    said = " ".join(quote.get_text(" ").split()).strip('"\u201c\u201d')
    quote.name = "p"
    quote.string = f'"{said}" \u2014 {who}' if who else said


def _name_picture(figure: Tag) -> None:
    """Move the caption of a figure to its picture, which shows it."""
    caption, images = figure.find("figcaption"), figure.find_all("img")
    if caption is not None and len(images) == 1:
        images[0]["alt"] = " ".join(caption.get_text(" ").split())
        caption.decompose()


def _is_remote(source: str) -> bool:
    parts = urlsplit(source) if not source.startswith("data:") else None
    return parts is not None and bool(parts.netloc or parts.scheme not in ("", "file"))


def _picture(source: str, path: Path, figures: Figures, held: Sequence[bytes]) -> str | None:
    """Return the file name of a picture that is in the page itself or in the folder of its file."""
    number = source.removeprefix(_HELD)
    if source.startswith(_HELD) and number.isdecimal() and int(number) < len(held):
        try:
            return figures.add(base64.b64decode(held[int(number)], validate=False))
        except (binascii.Error, ValueError):
            figures.leave_out("they are damaged")
            return None
    folder = path.parent.resolve()
    try:
        file = (folder / unquote(urlsplit(source).path)).resolve()
        if not source or not file.is_relative_to(folder):
            raise InputError("outside")
        return figures.add(read_bytes(file))
    except (InputError, ValueError):
        figures.leave_out("their files are not in the folder of the page")
        return None
