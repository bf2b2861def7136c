"""SVG drawings from untrusted files: without scripts, and with nothing that is fetched when a deck is opened."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import resvg_py
from lxml import etree
from PIL import Image, ImageFont

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import open_image

_NAMESPACE = "http://www.w3.org/2000/svg"
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
_ALLOWED = frozenset(
    "svg g defs symbol use title desc metadata style path rect circle ellipse line polyline polygon text tspan "
    "textPath image switch a marker pattern clipPath mask linearGradient radialGradient stop filter feBlend "
    "feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap "
    "feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode "
    "feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence".split()
)
"""The elements of still drawings; scripts, foreign objects, animations, frames and media are left out."""
_OUTSIDE = re.compile(r"url\(\s*+(?!['\"]?#)|@import|expression\(|javascript:", re.IGNORECASE)
"""What makes a style reach outside the drawing: url() is allowed for its own parts only."""
_INSIDE = re.compile(r"#|data:image/(png|jpe?g|gif|webp);base64,", re.IGNORECASE)
_MAX_ELEMENTS = 50_000
"""Of a drawing with each reused part counted where it is used: beyond, it would take minutes to draw."""
_MAX_DEPTH = 400
_RASTER_PX = 1600
"""The longer side of the image that stands in for a drawing in programs that show no SVG."""


def safe_svg(data: bytes, name: str) -> bytes:
    """Return a drawing without what could run or be fetched: scripts, event handlers, links and other files.

    Args:
        data: The SVG file.
        name: What messages call it.

    Raises:
        ImageError: If it is not an SVG drawing, defines entities, or is too large when its reused parts are drawn.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root: Any = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ImageError(f"{name} is not an SVG drawing ({error}); export it again as SVG or PNG") from error
    if root.tag != f"{{{_NAMESPACE}}}svg":
        raise ImageError(f"{name} is XML, but not an SVG drawing; export it again as SVG or PNG")
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise ImageError(f"{name} defines XML entities, which are not allowed; export it as plain SVG or as PNG")
    _clean(root)
    if _drawn_elements(root) > _MAX_ELEMENTS:
        raise ImageError(f"{name} draws more than {_MAX_ELEMENTS} elements; simplify the drawing or export it as PNG")
    cleaned: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return cleaned


def rasterize(drawing: bytes, name: str) -> Image.Image:
    """Return the image of a drawing that `safe_svg` returned, RGBA if it has transparent parts.

    Its words are in Pillow's own font: others may not be installed, and the image is the same on every machine.

    Raises:
        ImageError: If it cannot be drawn.
    """
    text = drawing.decode("utf-8")
    font = ImageFont.load_default(16)
    assert isinstance(font, ImageFont.FreeTypeFont)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "font.ttf"
        file.write_bytes(font.font_bytes)

        def draw(width: int) -> bytes:
            style = f"text, tspan, textPath {{ font-family: {font.getname()[0]} !important }}"
            return resvg_py.svg_to_bytes(svg_string=text, width=width, font_files=[str(file)], style_sheet=style)

        return _drawn(draw, name)


def _drawn(draw: Callable[[int], bytes], name: str) -> Image.Image:
    try:
        first = Image.open(io.BytesIO(draw(64)))
        return open_image(draw(max(1, _RASTER_PX * first.width // max(first.size))), keep_alpha=True)
    except (ValueError, OSError) as error:
        raise ImageError(f"{name} cannot be drawn ({error}); export it again as SVG or PNG") from error


def _clean(root: Any) -> None:
    for element in list(root.iter()):
        if element is not root and _is_forbidden(element):
            element.getparent().remove(element)
            continue
        for attribute, value in list(element.attrib.items()):
            plain = attribute.rpartition("}")[2].lower()
            reaches_out = attribute in _HREFS and not _INSIDE.match(value.strip())
            if plain.startswith("on") or plain == "base" or reaches_out or _OUTSIDE.search(value):
                del element.attrib[attribute]


def _is_forbidden(element: Any) -> bool:
    """Return whether an element is foreign, active, or a style sheet that reaches outside the drawing."""
    if not isinstance(element.tag, str):
        return True
    namespace, _, local = element.tag.rpartition("}")
    if namespace.lstrip("{") != _NAMESPACE or local not in _ALLOWED:
        return True
    return local == "style" and bool(_OUTSIDE.search(element.text or "") or "\\" in (element.text or ""))


def _drawn_elements(root: Any) -> int:
    """Return the number of elements that are drawn, those of a reused part once for each use."""
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    counted: dict[Any, int] = {}

    def count(element: Any, open_: frozenset[Any]) -> int:
        if element in open_:
            return 0  # a part that uses itself is not drawn
        if len(open_) > _MAX_DEPTH:
            return _MAX_ELEMENTS + 1
        if element not in counted:
            inner = open_ | {element}
            counted[element] = min(
                _MAX_ELEMENTS + 1, 1 + sum(count(child, inner) for child in (*element, *_reused(element, by_id)))
            )
        return counted[element]

    return count(root, frozenset())


def _reused(element: Any, by_id: dict[str, Any]) -> Iterator[Any]:
    for attribute in _HREFS:
        target = by_id.get(element.get(attribute, "").removeprefix("#"))
        if target is not None:
            yield target
