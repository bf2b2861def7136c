"""A template as a company's designer hands it over: its own master, a logo, footers, layouts with names of its own."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.oxml.shapes.picture import CT_Picture
from pptx.util import Inches, Pt

COLORS = {"dk2": "12355B", "lt2": "EEF2F6", "accent1": "D1495B", "accent2": "12355B", "accent3": "3E8E7E"} | {
    "accent4": "EDAE49",
    "accent5": "66809C",
    "accent6": "8C4A6B",
}
NAMES = ("HT_00 Deckblatt", "HT_20 Inhalt", "HT_10 Kapitel", "HT_21 Inhalt 2-sp", "HT_22 Vergleich") + (
    "HT_30 nur Titel",
    "HT_99 leer",
)
WIDTH, HEIGHT, EDGE = 13.333, 7.5, 0.7
Box = tuple[float, float, float, float]
TITLE: Box = (EDGE, 0.55, 9.6, 1.0)
BODY: Box = (EDGE, 1.85, WIDTH - 2 * EDGE, 4.7)
HALF = (WIDTH - 2 * EDGE - 0.5) / 2
RIGHT = EDGE + HALF + 0.5
PLACES: dict[str, dict[int, Box]] = {
    "HT_00 Deckblatt": {0: (EDGE, 2.3, 9.5, 1.6), 1: (EDGE, 4.1, 9.5, 1.0)},
    "HT_20 Inhalt": {0: TITLE, 1: BODY},
    "HT_10 Kapitel": {0: (EDGE, 2.3, 9.5, 1.6), 1: (EDGE, 4.1, 9.5, 0.9)},
    "HT_21 Inhalt 2-sp": {0: TITLE, 1: (EDGE, 1.85, HALF, 4.7), 2: (RIGHT, 1.85, HALF, 4.7)},
    "HT_22 Vergleich": {
        0: TITLE,
        1: (EDGE, 1.85, HALF, 0.6),
        2: (EDGE, 2.5, HALF, 4.05),
        3: (RIGHT, 1.85, HALF, 0.6),
        4: (RIGHT, 2.5, HALF, 4.05),
    },
    "HT_30 nur Titel": {0: TITLE},
    "HT_99 leer": {},
}
DARK = ("HT_00 Deckblatt", "HT_10 Kapitel")
FOOT: dict[int, Box] = {
    10: (9.0, 6.95, 2.4, 0.3),
    11: (EDGE, 6.95, 7.5, 0.3),
    12: (WIDTH - EDGE - 0.9, 6.95, 0.9, 0.3),
}
"""Date, footer and slide number, by the index that layouts give them."""


def save_template(path: Path) -> Path:
    """Save the template."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    master: Any = deck.slide_master
    for layout in list(master.slide_layouts)[len(NAMES) :]:
        master.slide_layouts.remove(layout)
    _recolor(master)
    for shape, box in zip(master.placeholders, (TITLE, BODY, FOOT[10], FOOT[11], FOOT[12]), strict=True):
        _place(shape, box)
    _add_logo(master)
    for layout, name in zip(master.slide_layouts, NAMES, strict=True):
        layout.name = name
        for shape in layout.placeholders:
            place = (PLACES[name] | FOOT).get(shape.placeholder_format.idx)
            if place is not None:
                _place(shape, place)
            if shape.placeholder_format.idx == 11:
                shape.text_frame.text = "Harbor Tools AG | Internal"
        if name in DARK:
            _make_dark(layout)
    deck.save(str(path))
    return path


def _recolor(master: Any) -> None:
    """Give the theme the company's colors and fonts, and the titles their style."""
    part = next(relation.target_part for relation in master.part.rels.values() if relation.reltype.endswith("/theme"))
    xml = part.blob.decode()
    for name, color in COLORS.items():
        xml = re.sub(rf"<a:{name}>.*?</a:{name}>", f'<a:{name}><a:srgbClr val="{color}"/></a:{name}>', xml)
    part._blob = re.sub(r'(<a:latin typeface=")[^"]*', r"\1Verdana", xml).encode()
    for shape in master.placeholders:
        quiet = shape.element.find(".//{*}lvl1pPr/{*}defRPr/{*}solidFill")
        if quiet is not None:
            gray = f"<a:solidFill {nsdecls('a')}><a:srgbClr val='55606B'/></a:solidFill>"
            quiet.getparent().replace(quiet, parse_xml(gray))
        first = shape.element.find(".//{*}lvl1pPr")
        if first is not None:
            first.set("algn", "r" if shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER else "l")
    style = master.element.find(".//{*}titleStyle/{*}lvl1pPr")
    style.set("algn", "l")
    style.find("{*}defRPr").set("sz", str(Pt(28).centipoints))
    style.find("{*}defRPr").set("b", "1")
    style.find("{*}defRPr/{*}solidFill/{*}schemeClr").set("val", "tx2")
    for level, size in enumerate((22, 18, 16, 16, 16), start=1):
        master.element.find(f".//{{*}}bodyStyle/{{*}}lvl{level}pPr/{{*}}defRPr").set("sz", str(size * 100))


def _make_dark(layout: Any) -> None:
    """Put white text on the company's blue, with a red band at the foot."""
    layout.background.fill.solid()
    layout.background.fill.fore_color.theme_color = MSO_THEME_COLOR.TEXT_2
    for shape in layout.placeholders:
        levels = shape.element.find(".//{*}lstStyle")
        for old in list(levels):
            levels.remove(old)
        size = {0: 4000, 1: 2000}.get(shape.placeholder_format.idx, 1200)
        bold, align = int(size == 4000), "r" if shape.placeholder_format.idx == 12 else "l"
        levels.append(
            parse_xml(
                f"<a:lvl1pPr {nsdecls('a')} marL='0' indent='0' algn='{align}'><a:buNone/>"
                f"<a:defRPr sz='{size}' b='{bold}' cap='none'><a:solidFill><a:schemeClr val='bg1'/>"
                "</a:solidFill></a:defRPr></a:lvl1pPr>"
            )
        )
        shape.element.find(".//{*}bodyPr").set("anchor", "b" if size == 4000 else "t")
    band = layout.shapes._spTree
    band.insert(
        2,
        parse_xml(
            f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='91' name='Band'/><p:cNvSpPr/><p:nvPr userDrawn='1'/>"
            f"</p:nvSpPr><p:spPr><a:xfrm><a:off x='0' y='{Inches(HEIGHT - 0.22)}'/><a:ext cx='{Inches(WIDTH)}' "
            f"cy='{Inches(0.22)}'/></a:xfrm><a:prstGeom prst='rect'><a:avLst/></a:prstGeom><a:solidFill>"
            "<a:schemeClr val='accent1'/></a:solidFill></p:spPr></p:sp>"
        ),
    )


def _add_logo(master: Any) -> None:
    """Draw the logo, an anchor of two strokes in a square, at the top right of the master."""
    image = Image.new("RGB", (240, 240), "#0D2742")
    pen = ImageDraw.Draw(image)
    pen.line([(120, 50), (120, 190)], fill="#FFFFFF", width=16)
    pen.line([(85, 85), (155, 85)], fill="white", width=14)
    pen.arc([(55, 90), (185, 195)], 20, 160, fill=f"#{COLORS['accent1']}", width=18)
    data = io.BytesIO()
    image.save(data, "PNG")
    _, relation = master.part.get_or_add_image_part(io.BytesIO(data.getvalue()))
    box = (Inches(WIDTH - EDGE - 0.7), Inches(0.45), Inches(0.7), Inches(0.7))
    new_picture: Any = CT_Picture.new_pic
    master.shapes._spTree.append(new_picture(90, "Logo", "Harbor Tools", relation, *box))


def _place(shape: Any, box: Box) -> None:
    shape.left, shape.top, shape.width, shape.height = (Inches(value) for value in box)
