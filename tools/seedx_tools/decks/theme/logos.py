"""Put a logo on the master and the layouts of a theme."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageStat
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import SlideLayout, SlideMaster
from pptx.util import Inches

from seedx_tools.decks.ooxml.contrast import contrast
from seedx_tools.decks.theme.build import shape_xml
from seedx_tools.decks.theme.designs import ColoredBox, Design, InchBox
from seedx_tools.decks.theme.layouts import LayoutSpec

PAGE_LOGO = (1.5, 0.42)
"""The greatest width and height of a logo on pages, in inches."""
COVER_LOGO = (2.6, 0.8)
_MAX_PX = 1200
_LEAST = 1.6
"""Below this contrast with the ground, a logo stands on a plate."""
_PADDING = 0.1
_PLATES = ("bg1", "tx2", "tx1")
"""The scheme colors that a plate may have; of those with enough contrast to the logo, the first."""
_ENOUGH = 3.0
_OPAQUE, _SPREAD = 255, 12.0


class Logo:
    """A logo, scaled to what slides show.

    Args:
        image: With or without transparent parts.
        alt: Its alt text.
    """

    def __init__(self, image: Image.Image, alt: str) -> None:
        image = image.convert("RGBA")
        box = image.getchannel("A").getbbox()
        image = image.crop(box) if box else image
        image.thumbnail((_MAX_PX, _MAX_PX))
        data = io.BytesIO()
        image.save(data, "PNG")
        self._image, self._data, self._alt = image, data, alt

    def size(self, limits: tuple[float, float]) -> tuple[float, float]:
        """Return the largest width and height within limits, in its own proportions."""
        scale = min(limits[0] / self._image.width, limits[1] / self._image.height)
        return self._image.width * scale, self._image.height * scale

    def place(self, sheet: SlideMaster | SlideLayout, box: InchBox, ground: str, design: Design) -> None:
        """Add the logo to a master or layout, on a plate where it would not stand out.

        Args:
            sheet: The master or layout.
            box: Where, in inches.
            ground: RRGGBB of the background there.
            design: The theme, which has the color of a plate.
        """
        tree: Any = sheet.shapes._spTree
        number = max((int(found.get("id")) for found in tree.iter(qn("p:cNvPr"))), default=0) + 1
        if not self._is_legible_alone and contrast(self._color(), ground) < _LEAST:
            plate = max(_PLATES, key=lambda name: min(_ENOUGH, contrast(self._color(), _color(design, name))))
            left, top, width, height = box
            around = (left - _PADDING, top - _PADDING, width + 2 * _PADDING, height + 2 * _PADDING)
            tree.append(shape_xml(number + 1, ColoredBox(name="Logo plate", box=around, color=plate)))
        self._data.seek(0)
        part: Any = sheet.part
        _, relation = part.get_or_add_image_part(self._data)
        left, top, width, height = (Inches(value) for value in box)
        element = parse_xml(
            f"<p:pic {nsdecls('p', 'a', 'r')}><p:nvPicPr><p:cNvPr id='{number}' name='Logo'/><p:cNvPicPr>"
            "<a:picLocks noChangeAspect='1'/></p:cNvPicPr><p:nvPr userDrawn='1'/></p:nvPicPr><p:blipFill>"
            f"<a:blip r:embed='{relation}'/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr><a:xfrm>"
            f"<a:off x='{left}' y='{top}'/><a:ext cx='{width}' cy='{height}'/></a:xfrm><a:prstGeom prst='rect'>"
            "<a:avLst/></a:prstGeom></p:spPr></p:pic>"
        )
        element.find(f".//{qn('p:cNvPr')}").set("descr", self._alt)
        tree.append(element)

    @property
    def _is_legible_alone(self) -> bool:
        """Whether it has a ground of its own: no transparent parts, and more than one color."""
        darkest, _ = self._image.getchannel("A").getextrema()
        return darkest == _OPAQUE and ImageStat.Stat(self._image.convert("L")).stddev[0] > _SPREAD

    def _color(self) -> str:
        """Return the mean color of what is not transparent."""
        mean = ImageStat.Stat(self._image.convert("RGB"), mask=self._image.getchannel("A")).mean
        return "".join(f"{round(channel):02X}" for channel in mean)


def add_logo(master: SlideMaster, specs: list[LayoutSpec], design: Design, width: float, logo: Logo) -> None:
    """Put a logo on all slides: large on covers, at the lower right of pages.

    Args:
        master: The master of a built-in theme.
        specs: Its layouts, in order.
        design: The theme, with `logo_width` of this logo.
        width: Of the page, in inches.
        logo: The logo.
    """
    right = design.content(width)[1]
    logo.place(master, _page_box(design, right, logo), _color(design, design.page), design)
    for layout, spec in zip(master.slide_layouts, specs, strict=True):
        if spec.ground:
            size = logo.size(COVER_LOGO)
            logo.place(layout, (design.margin, 0.6, *size), _color(design, spec.ground), design)
        elif spec.shapes and spec.footer is not None:
            logo.place(layout, _page_box(design, spec.footer[1], logo), _color(design, design.page), design)


def _page_box(design: Design, right: float, logo: Logo) -> InchBox:
    wide, high = logo.size(PAGE_LOGO)
    return right - wide, design.footer_top + 0.16 - high / 2, wide, high


def _color(design: Design, name: str) -> str:
    """Return RRGGBB of a scheme color of a theme."""
    swapped = {"bg1": "dk1", "tx1": "lt1", "bg2": "dk2", "tx2": "lt2"}
    plain = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}
    return design.palette.colors[(swapped if design.palette.is_dark else plain).get(name, name)]
