"""SVG drawings in a deck: PowerPoint shows the drawing since 2016, other programs the picture that it belongs to."""

from __future__ import annotations

from typing import Any

from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn

_SVG = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
_SVG_URI = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


def embed_svg(picture: Any, drawing: bytes) -> None:
    """Give a picture of a slide the drawing that it stands in for.

    Args:
        picture: A picture shape, whose own image is the fallback.
        drawing: The SVG; it must be safe to open, as `safe_svg` leaves it.
    """
    part = picture.part
    package = part.package
    same = (other for other in package.iter_parts() if other.content_type == "image/svg+xml" and other.blob == drawing)
    svg = next(same, None)
    if svg is None:
        names = {str(other.partname) for other in package.iter_parts()}
        number = next(n for n in range(1, len(names) + 2) if f"/ppt/media/drawing{n}.svg" not in names)
        svg = Part(PackURI(f"/ppt/media/drawing{number}.svg"), "image/svg+xml", package, drawing)
    relation = part.relate_to(svg, RT.IMAGE)
    blip = picture._element.find(f".//{qn('a:blip')}")
    extensions = blip.find(qn("a:extLst"))
    if extensions is None:
        extensions = blip.makeelement(qn("a:extLst"))
        blip.append(extensions)
    extensions.append(
        parse_xml(
            f'<a:ext xmlns:a="{_DRAWING}" uri="{_SVG_URI}">'
            f'<asvg:svgBlip xmlns:asvg="{_SVG}" xmlns:r="{_RELATIONSHIPS}" r:embed="{relation}"/></a:ext>'
        )
    )
