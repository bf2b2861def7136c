from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

MakeFont: TypeAlias = Callable[..., Path]

NARROW, WIDE = 500, 900
"""Widths of the glyphs of test fonts, in thousandths of an em."""


@pytest.fixture
def make_font(tmp_path: Path) -> MakeFont:
    """Return a function that makes a font with a box for each character of a text.

    Letters given as `joined` become a wide box where Arabic letters have their initial form.
    """

    def make(chars: str, *, joined: str = "", name: str = "boxes.ttf") -> Path:
        glyphs = {ord(char): f"u{ord(char):04X}" for char in f" {chars}{joined}"}
        wide = {f"u{ord(char):04X}.init": f"u{ord(char):04X}" for char in joined}
        order = [".notdef", *glyphs.values(), *wide]
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder(order)
        builder.setupCharacterMap(glyphs)
        builder.setupGlyf({glyph: _box(WIDE if glyph in wide else NARROW) for glyph in order})
        builder.setupHorizontalMetrics({glyph: (WIDE if glyph in wide else NARROW, 0) for glyph in order})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
        builder.setupOS2(sTypoAscender=800, sTypoDescender=-200)
        builder.setupPost()
        if wide:
            rules = " ".join(f"sub {isolated} by {initial};" for initial, isolated in wide.items())
            addOpenTypeFeaturesFromString(builder.font, f"languagesystem arab dflt; feature init {{ {rules} }} init;")
        path = tmp_path / name
        builder.save(path)
        return path

    return make


def _box(width: int) -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for point in ((50, 700), (width - 50, 700), (width - 50, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()
