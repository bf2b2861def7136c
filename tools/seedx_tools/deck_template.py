"""Opening a template that a user brought: an untrusted zip file of XML.

Only .pptx and .potx without macros are opened; sizes are checked before anything is unpacked.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from pptx import Presentation
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import TemplateError

MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_PARTS = 10_000
MAX_RATIO = 200
"""Unpacked over packed size of a part larger than 10 MB; real XML stays far below."""

_TEMPLATE_TYPE = b"application/vnd.openxmlformats-officedocument.presentationml.template.main+xml"
_DECK_TYPE = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_CONTENT_TYPES = "[Content_Types].xml"


def open_template(path: str | os.PathLike[str]) -> tuple[PresentationObject, tuple[str, ...]]:
    """Return the presentation of a template without its slides, and warnings.

    Raises:
        TemplateError: It is missing, not a .pptx or .potx, too large when unpacked, has macros, or has no layouts.
    """
    data = _checked(Path(path))
    try:
        deck = Presentation(io.BytesIO(data))
        layouts = [layout for master in deck.slide_masters for layout in master.slide_layouts]
    except Exception as error:  # python-pptx and lxml raise many kinds for a damaged package
        raise TemplateError(
            f"'{path}' cannot be read as a presentation ({error}); save it again in PowerPoint"
        ) from error
    if not layouts:
        raise TemplateError(f"'{path}' has no slide layouts; add one with a title and a body in the master view")
    removed = _drop_slides(deck)
    if removed:
        return deck, (f"the template's own {removed} slides were left out; its masters and layouts are used",)
    return deck, ()


def _checked(path: Path) -> bytes:
    if not path.is_file():
        raise TemplateError(f"there is no template file '{path}'; give the path of a .pptx or .potx file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise TemplateError(f"'{path}' is larger than {MAX_FILE_BYTES // 2**20} MB; use a smaller template")
    try:
        with zipfile.ZipFile(path) as package:
            _check_parts(path, package)
            types = package.read(_CONTENT_TYPES)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError) as error:
        raise TemplateError(f"'{path}' is not a .pptx or .potx file; save the template as .pptx") from error
    if b"macroEnabled" in types:
        raise TemplateError(f"'{path}' has macros, which are not opened; save it as .pptx without macros")
    data = path.read_bytes()
    return _as_presentation(data) if _TEMPLATE_TYPE in types else data


def _check_parts(path: Path, package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed_tight = any(part.file_size > 10**7 and part.file_size > MAX_RATIO * part.compress_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED_BYTES or packed_tight:
        raise TemplateError(
            f"'{path}' unpacks to {unpacked / 2**20:.0f} MB in {len(parts)} parts, which looks like a zip bomb; "
            f"at most {MAX_UNPACKED_BYTES // 2**20} MB in {MAX_PARTS} parts are opened"
        )
    if any(part.filename.lower().endswith("vbaproject.bin") for part in parts):
        raise TemplateError(f"'{path}' has macros, which are not opened; save it as .pptx without macros")


def _as_presentation(data: bytes) -> bytes:
    """A .potx differs from a .pptx in one content type; python-pptx opens only the latter."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(
                part, content.replace(_TEMPLATE_TYPE, _DECK_TYPE) if part.filename == _CONTENT_TYPES else content
            )
    return changed.getvalue()


def _drop_slides(deck: PresentationObject) -> int:
    """Remove all slides; their parts go with the relations when the deck is saved."""
    ids = deck.slides._sldIdLst
    entries = list(ids)
    for entry in entries:
        deck.part.drop_rel(entry.rId)
        ids.remove(entry)
    return len(entries)
