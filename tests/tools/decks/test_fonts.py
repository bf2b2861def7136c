from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from seedx_tools.decks.text import fonts
from seedx_tools.decks.text.fonts import drawable, system_font


@pytest.fixture
def chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only font of the machine; it has one letter."""
    path = tmp_path / "one-letter.ttf"
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 0))
    pen.lineTo((500, 500))
    pen.closePath()
    builder = FontBuilder(unitsPerEm=1000)
    builder.setupGlyphOrder([".notdef", "middle"])
    builder.setupCharacterMap({ord("\u4e2d"): "middle"})
    builder.setupGlyf(dict.fromkeys((".notdef", "middle"), pen.glyph()))
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "middle": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One Letter", "styleName": "Regular"})
    builder.setupPost()
    builder.save(path)
    monkeypatch.setattr(fonts, "_system_fonts", lambda: (path,))
    return path


def test_a_font_is_chosen_by_the_characters_that_it_has(chinese_font: Path) -> None:
    assert system_font("\u4e2d") == chinese_font
    assert system_font("\u4e2d \u200b\u4e2d") == chinese_font  # spaces and invisible characters need no glyph
    assert system_font("\u4e2d\u56fd") is None


@pytest.mark.usefixtures("chinese_font")
def test_letters_that_no_font_has_lose_their_accents() -> None:
    assert drawable("caf\u00e9") == "cafe"
    assert drawable("\u1e63\u2014\u0101") == "s-a"
    assert drawable("\u4e2d") == "\u4e2d"


def test_a_damaged_font_file_has_no_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "damaged.ttf"
    path.write_bytes(b"\0\1\0\0 no font")
    monkeypatch.setattr(fonts, "_system_fonts", lambda: (path,))
    assert system_font("a") is None
