"""Open untrusted .pptx files safely.

Only .pptx, .potx and .ppsx files without macros and ActiveX controls are opened. Sizes are checked before anything is
unpacked, and nothing that a file links to is ever fetched.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.oxml import parse_xml
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import TemplateError
from seedx_tools.decks.ooxml.links import WEB_LINK
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH

MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_PARTS = 10_000
MAX_RATIO = 200
"""Maximum compression ratio of a part larger than 10 MB; real XML stays far below."""

MIN_SIDE_INCHES, MAX_SIDE_INCHES = 1.0, 56.0
"""The slide sides that PowerPoint allows (ST_SlideSizeCoordinate, ECMA-376 part 1, 19.7.15)."""

MAX_ASPECT = 6.0
"""Maximum ratio of the longer to the shorter side; beyond it no layout is legible."""

_OTHER_TYPES = (
    b"application/vnd.openxmlformats-officedocument.presentationml.template.main+xml",
    b"application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
)
"""Those of a .potx and a .ppsx, which differ from a .pptx in nothing else."""
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files with a password and those of PowerPoint before 2007 begin."""
_DECK_TYPE = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_CONTENT_TYPES = "[Content_Types].xml"


def open_deck(path: str | os.PathLike[str], *, allow_links: bool = True) -> PresentationObject:
    """Return the presentation in a file.

    Args:
        path: A .pptx, .potx or .ppsx file.
        allow_links: Whether the file may link to pictures, media and objects outside itself. Hyperlinks to web pages
            and mail addresses are always allowed.

    Raises:
        TemplateError: If it is missing, not such a file, too large when unpacked, has macros or controls, has
            forbidden links, or has an unusable page size.
    """
    data = _checked(Path(path), allow_links)
    try:
        deck = Presentation(io.BytesIO(data))
        width, height = int(deck.slide_width or 0), int(deck.slide_height or 0)
        len(deck.slides)
        len(deck.slide_masters)
    except Exception as error:  # python-pptx and lxml raise many types for a damaged package
        raise TemplateError(
            f"'{path}' cannot be read as a presentation ({error}); save it again in PowerPoint"
        ) from error
    _check_page(path, width / EMU_PER_INCH, height / EMU_PER_INCH)
    return deck


def external_links(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return what a file that open_deck opens links to outside itself, other than web pages; nothing is fetched.

    Raises:
        TemplateError: If its relationships are not plain XML.
    """
    with zipfile.ZipFile(path) as package:
        return tuple(dict.fromkeys(target for target, _ in _links(Path(path), package)))


def _checked(path: Path, allow_links: bool) -> bytes:
    if not path.is_file():
        raise TemplateError(f"there is no file '{path}'; give the path of a .pptx, .potx or .ppsx file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise TemplateError(f"'{path}' is larger than {MAX_FILE_BYTES // 2**20} MB; use a smaller template")
    with path.open("rb") as file:
        if file.read(len(OLE)) == OLE:
            raise TemplateError(
                f"'{path}' has a password, or is a .ppt file; save it as .pptx without a password (File, Info, Protect)"
            )
    try:
        with zipfile.ZipFile(path) as package:
            _check_parts(path, package)
            _check_doctypes(path, package)
            types = package.read(_CONTENT_TYPES)
            for target, name in _links(path, package):
                if not allow_links:
                    raise _link_error(path, target, name)
        if b"macroEnabled" in types:
            raise TemplateError(f"'{path}' has macros, which are not allowed; save it as .pptx without macros")
        data = path.read_bytes()
        return _as_presentation(data) if any(other in types for other in _OTHER_TYPES) else data
    except TemplateError:
        raise
    except Exception as error:  # zipfile and its decoders raise many types for a damaged file
        raise TemplateError(
            f"'{path}' is damaged or not a .pptx, .potx or .ppsx file; save the template as .pptx"
        ) from error


def _check_parts(path: Path, package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed_tight = any(part.file_size > 10**7 and part.file_size > MAX_RATIO * part.compress_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES or packed_tight:
        raise TemplateError(
            f"'{path}' unpacks to {unpacked / 2**20:.0f} MB in {len(parts)} parts, which looks like a zip bomb; "
            f"at most {MAX_UNPACKED_BYTES // 2**20} MB in {MAX_PARTS} parts are allowed"
        )
    names = [part.filename.lower() for part in parts]
    if any(name.endswith("vbaproject.bin") for name in names):
        raise TemplateError(f"'{path}' has macros, which are not allowed; save it as .pptx without macros")
    if any("/activex/" in name for name in names):
        raise TemplateError(f"'{path}' has ActiveX controls, which are not allowed; remove them and save it again")


def declares_doctype(xml: bytes) -> bool:
    """Return whether an XML part has a document type, which may define entities; parts of Office files have none."""
    if xml.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in xml[:4]:
        xml = xml.replace(b"\0", b"")
    return b"<!DOCTYPE" in xml or b"<!ENTITY" in xml


def _check_doctypes(path: Path, package: zipfile.ZipFile) -> None:
    for part in package.infolist():
        if part.filename.lower().endswith((".xml", ".rels")) and declares_doctype(package.read(part)):
            raise TemplateError(
                f"'{path}' has a DOCTYPE in {part.filename}, which is not allowed; save it again in PowerPoint"
            )


def _links(path: Path, package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield the targets outside a package, other than those of hyperlinks to web pages, and the .rels part of each."""
    for part in package.infolist():
        if not part.filename.lower().endswith(".rels"):
            continue
        pages: dict[str, str] = {}
        for relation in _parsed(path, part.filename, package.read(part)).iter("{*}Relationship"):
            target = str(relation.get("Target", ""))
            if str(relation.get("TargetMode", "Internal")).lower() == "internal":
                continue
            if not (str(relation.get("Type", "")).endswith("/hyperlink") and WEB_LINK.match(target)):
                yield target, part.filename
            pages[str(relation.get("Id"))] = target
        for used in _fetched(path, package, part.filename, pages.keys()):
            yield pages[used], part.filename


def _fetched(path: Path, package: zipfile.ZipFile, rels: str, pages: Collection[str]) -> Iterator[str]:
    """Yield the hyperlinks of a .rels part that its owner uses otherwise, such as the source of a picture."""
    folder, _, name = rels.rpartition("/")
    owner = f"{folder[: -len('_rels')]}{name[: -len('.rels')]}".lower()
    for part in package.infolist() if pages else ():
        if part.filename.lower() != owner:
            continue
        for element in _parsed(path, part.filename, package.read(part)).iter("*"):
            if not element.tag.rpartition("}")[2].startswith("hlink"):
                yield from (value for value in element.values() if value in pages)


def _link_error(path: Path, target: str, name: str) -> TemplateError:
    return TemplateError(
        f"'{path}' links to '{target[:120]}' outside itself ({name}), "
        "which would be fetched when the deck is opened; embed it (File, Info, Edit Links) or remove it"
    )


def _parsed(path: Path, name: str, xml: bytes) -> Any:
    """Return the root of an XML part; entities are not resolved."""
    try:
        root = parse_xml(xml)
    except (SyntaxError, ValueError) as error:  # lxml's error is a SyntaxError
        raise TemplateError(f"'{path}' is damaged: {name} is not XML; save it again in PowerPoint") from error
    return root


def _check_page(path: str | os.PathLike[str], width: float, height: float) -> None:
    low, high = sorted((width, height))
    if low < MIN_SIDE_INCHES or high > MAX_SIDE_INCHES or high > MAX_ASPECT * low:
        raise TemplateError(
            f"'{path}' has pages of {width:.2f} x {height:.2f} inches; use {MIN_SIDE_INCHES:.0f} to "
            f"{MAX_SIDE_INCHES:.0f} inches a side, and no side more than {MAX_ASPECT:.0f} times the other"
        )


def _as_presentation(data: bytes) -> bytes:
    """Return a .potx or .ppsx as a .pptx, which differs in one content type; python-pptx opens only the latter."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename == _CONTENT_TYPES:
                for other in _OTHER_TYPES:
                    content = content.replace(other, _DECK_TYPE)
            new.writestr(part, content)
    return changed.getvalue()
