"""Reads Word files as Markdown."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

from seedx_sdk.errors import InputError, needs_extra
from seedx_tools.documents.docx.styles import prepared
from seedx_tools.documents.figures import Figures
from seedx_tools.documents.files import check_archive
from seedx_tools.documents.html import TITLE, parse_html, to_markdown

_STYLES = "\n".join(
    (
        f"p[style-name='Title'] => h1.{TITLE}:fresh",
        f"p.Title => h1.{TITLE}:fresh",
        "p[style-name='Subtitle'] => p:fresh",
        *(f"p.Heading{level} => h{level}:fresh" for level in range(1, 7)),
        *(f"p[style-name='toc {level}'] => !" for level in range(1, 10)),
        "p[style-name='TOC Heading'] => !",
        "p[style-name='Quote'] => blockquote:fresh",
        "p[style-name='Intense Quote'] => blockquote:fresh",
    )
)
"""Headings also by the ids of their styles, which a file without definitions of styles has; no table of contents."""
_LOST = {"oMath": "formulas", "oMathPara": "formulas", "chart": "charts", "relIds": "SmartArt drawings"}


def read_docx(data: bytes, path: Path, figures: Figures, warnings: list[str]) -> tuple[str, str]:
    """Return the title of a Word file, or an empty string, and its text as Markdown below that title.

    Raises:
        InputError: If it is not a Word file.
        MissingExtraError: If mammoth or markdownify is not installed.
    """
    with needs_extra("documents"):
        import mammoth
    check_archive(data, path, "a Word document (.docx)")

    def keep(image: Any) -> dict[str, str]:
        with image.open() as file:
            name = figures.add(file.read())
        return {"src": name or "", **({"alt": image.alt_text} if image.alt_text else {})}

    try:
        converted = mammoth.convert_to_html(
            BytesIO(prepared(data, path.name, warnings)),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(keep),
        )
    except Exception as error:  # a damaged file makes its reader raise all kinds of errors
        raise InputError(f"cannot read '{path}' as a Word document ({error}); save it again as .docx") from error
    lost = Counter(
        what
        for message in converted.messages
        for tag, what in _LOST.items()
        if message.message.rstrip().endswith((f":{tag}", f"}}{tag}"))
    )
    warnings += [f"'{path.name}': {what} were left out; paste them as pictures to keep them" for what in lost]
    return to_markdown(parse_html(converted.value), lambda name: name or None, warnings)
