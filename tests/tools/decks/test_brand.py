"""Brands: colors that can be read, fonts, a logo, a footer, without a template."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from PIL import Image
from pptx import Presentation
from pptx.oxml.ns import qn
from pydantic import ValidationError

from seedx_sdk import InputError, SeedX
from seedx_tools import Brand, check_deck, make_slides
from seedx_tools.adapters.http import DeckBody
from seedx_tools.catalog.make_slides import MAKE_SLIDES
from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.theme.branding import branded
from seedx_tools.decks.theme.designs import DESIGNS
from seedx_tools.decks.theme.palettes import DeckTheme

OUTLINE = "# Plan\nFor the board\n# Part\n## Facts\n- One\n- Two\n## Cost\n| a | b |\n|---|---|\n| 1 | 2 |\n## End\n"


def _logo(color: str = "#0A3D62") -> Image.Image:
    image = Image.new("RGBA", (400, 120), (0, 0, 0, 0))
    image.paste(color, (20, 20, 380, 100))
    return image


@pytest.mark.parametrize("theme", list(DESIGNS))
@pytest.mark.parametrize(
    ("colors", "background"),
    [(("#0A3D62", "#F2A900"), None), (("#FFD100",), None), (("crimson",), "#101820"), (("#777777", "#EEEEEE"), "#FFF")],
)
def test_text_and_titles_of_any_brand_can_be_read(
    theme: DeckTheme, colors: tuple[str, ...], background: str | None
) -> None:
    design, _ = branded(DESIGNS[theme], Brand(colors=colors, background=background))
    found, dark = design.palette.colors, design.palette.is_dark
    ground, text, title = ("dk1", "lt1", "lt2") if dark else ("lt1", "dk1", "dk2")
    assert contrast(found[text], found[ground]) >= AA_NORMAL
    assert contrast(found[title], found[ground]) >= AA_NORMAL
    assert set(Brand(colors=colors).colors) <= set(found.values())
    assert len(found) == 12


def test_a_pale_color_decorates_and_a_notice_says_so() -> None:
    design, notices = branded(DESIGNS["ink"], Brand(colors=("#FFD100",)))
    assert design.palette.colors["dk2"] == "1B1B1E" and design.palette.colors["accent1"] == "FFD100"
    assert notices == (
        "titles in #FFD100 on #FFFFFF have too little contrast (WCAG AA); #1B1B1E is used, and #FFD100 decorates",
    )


@pytest.mark.parametrize("theme", ["paper", "night", "studio"])
def test_a_deck_has_the_colors_fonts_logo_and_footer_of_its_brand(
    seedx: SeedX, tmp_path: Path, theme: DeckTheme
) -> None:
    brand = Brand(
        name="ACME", colors=("0A3D62", "#F2A900"), fonts=("Georgia", "Verdana"), logo=_logo(), footer="Board only"
    )
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", theme=theme, brand=brand, pictures=False)
    made = Presentation(str(deck.path))
    theme_part = next(rel.target_part for rel in made.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    assert theme_part.blob.count(b"0A3D62") >= 1 and b'typeface="Georgia"' in theme_part.blob
    assert b'name="ACME"' in theme_part.blob
    for slide in made.slides:
        sheets = [slide.slide_layout]
        if slide.slide_layout.element.get("showMasterSp") != "0":
            sheets.append(slide.slide_layout.slide_master)
        logos = [shape for sheet in sheets for shape in sheet.shapes if shape.name == "Logo"]
        assert [logo._element.nvPicPr.cNvPr.get("descr") for logo in logos] == ["ACME logo"]
        assert logos[0].width / logos[0].height == pytest.approx(360 / 80, rel=0.02)
        for shape in slide.placeholders:
            assert not _overlap(shape, logos[0]), (slide.slide_layout.name, shape.name)
    footers = [shape.text_frame.text for shape in made.slides[2].placeholders if shape.text_frame.text == "Board only"]
    assert footers == ["Board only"]
    assert check_deck(deck.path).findings == ()


def _overlap(one: object, other: object) -> bool:
    boxes = [(shape.left, shape.top, shape.left + shape.width, shape.top + shape.height) for shape in (one, other)]  # type: ignore[attr-defined]
    (a, b, c, d), (e, f, g, h) = boxes
    return bool(a < g and e < c and b < h and f < d)


def test_a_dark_logo_on_a_dark_cover_stands_on_a_plate(seedx: SeedX, tmp_path: Path) -> None:
    brand = Brand(colors=("0A3D62",), logo=_logo())
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", brand=brand, pictures=False)
    slides = Presentation(str(deck.path)).slides
    assert "Logo plate" in [shape.name for shape in slides[0].slide_layout.shapes]
    assert "Logo plate" not in [shape.name for shape in slides[2].slide_layout.slide_master.shapes]


def test_a_brand_file_has_its_logo_beside_it(seedx: SeedX, tmp_path: Path) -> None:
    (tmp_path / "brand").mkdir()
    _logo().save(tmp_path / "brand" / "logo.png")
    file = tmp_path / "brand" / "brand.json"
    file.write_text(json.dumps({"colors": ["#0A3D62"], "fonts": ["Georgia"], "logo": "logo.png", "footer": False}))
    brand = Brand.read(file)
    assert brand.logo is not None and brand.logo.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert brand.colors == ("0A3D62",) and brand.footer is False
    arguments = {"prompt_or_outline": OUTLINE, "path": str(tmp_path / "d.pptx"), "brand": str(file), "pictures": False}
    MAKE_SLIDES.run(seedx, arguments)
    assert (tmp_path / "d.pptx").is_file()
    data = io.BytesIO()
    _logo().save(data, "PNG")
    inline = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    file.write_text(json.dumps({"logo": inline}))
    assert Brand.read(file).logo is not None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be read as JSON"),
        ('{"colours": []}', "is no brand: it has no field 'colours'; use name, colors"),
        ('{"colors": ["greenish"]}', "'greenish' is not a color"),
        ('{"logo": "../logo.png"}', "put it into the directory of the file"),
        ('{"logo": "gone.png"}', "is no brand: logo: the logo cannot be used"),
    ],
)
def test_brand_files_that_cannot_be_used(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "brand.json").write_text(content)
    with pytest.raises(InputError, match=told):
        Brand.read(tmp_path / "brand.json")


def test_a_template_keeps_its_design_and_takes_the_footer(seedx: SeedX, tmp_path: Path) -> None:
    Presentation().save(str(tmp_path / "template.pptx"))
    brand = Brand(colors=("red",), footer="Board only")
    deck = make_slides(
        seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", brand=brand, pictures=False
    )
    assert "the template sets the design; colors, fonts and logo of the brand were ignored" in deck.warnings
    assert "Board only" in [shape.text_frame.text for shape in Presentation(str(deck.path)).slides[2].placeholders]
    assert Presentation(str(deck.path)).slides[0].element.find(f".//{qn('p:pic')}") is None


def test_colors_are_written_in_any_way_of_the_web() -> None:
    assert Brand(colors=("#0a3d62", "0A3D62", "rgb(10, 61, 98)", "#fff", "navy")).colors == (
        *["0A3D62"] * 3,
        "FFFFFF",
        "000080",
    )
    with pytest.raises(ValidationError):
        Brand(colors=("#12345",))


def test_over_http_no_logo_is_read_from_the_servers_disk(tmp_path: Path) -> None:
    _logo().save(tmp_path / "logo.png")
    with pytest.raises(ValidationError, match="must be a data URI"):
        DeckBody.model_validate({"prompt_or_outline": "# A", "brand": {"logo": str(tmp_path / "logo.png")}})
    body = DeckBody.model_validate({"prompt_or_outline": "# A", "brand": {"colors": ["navy"], "footer": "Board"}})
    assert body.brand is not None and body.brand.colors == ("000080",)


def _plates(path: Path) -> list[str]:
    sheets = [Presentation(str(path)).slide_masters[0], *Presentation(str(path)).slide_masters[0].slide_layouts]
    shapes = [shape for sheet in sheets for shape in sheet.shapes if shape.name == "Logo plate"]
    return [shape.element.find(f".//{qn('a:schemeClr')}").get("val") for shape in shapes]


def test_a_white_logo_on_light_pages_stands_on_a_dark_plate(seedx: SeedX, tmp_path: Path) -> None:
    make_slides(seedx, OUTLINE, path=tmp_path / "a.pptx", brand=Brand(logo=_logo("#FFFFFF")), pictures=False)
    assert "tx2" in _plates(tmp_path / "a.pptx") and "bg1" not in _plates(tmp_path / "a.pptx")


def test_a_logo_with_a_ground_of_its_own_needs_no_plate(seedx: SeedX, tmp_path: Path) -> None:
    logo = Image.new("RGB", (400, 120), "white")
    logo.paste("#0A3D62", (20, 20, 200, 100))
    make_slides(seedx, OUTLINE, path=tmp_path / "a.pptx", brand=Brand(logo=logo), pictures=False)
    assert _plates(tmp_path / "a.pptx") == []


def test_a_logo_may_be_a_drawing_or_have_many_pixels(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60"><rect width="200" height="60"/></svg>'
    )
    Image.new("1", (9000, 5000)).save(tmp_path / "logo.png")
    (tmp_path / "brand.json").write_text(json.dumps({"colors": "navy", "fonts": "Georgia", "logo": "logo.svg"}))
    brand = Brand.read(tmp_path / "brand.json")
    assert brand.logo is not None and (brand.logo.width, brand.colors, brand.fonts) == (1600, ("000080",), ("Georgia",))
    large = Brand(logo=tmp_path / "logo.png").logo
    assert large is not None and large.width == 3000
