"""Pictures on slides: their places, crops, captions and files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.util import Inches

from seedx_sdk import SeedX
from seedx_tools import Deck, check_deck, make_slides
from seedx_tools.decks.planners.assets import GivenImage
from seedx_tools.decks.writing.cropping import NO_CROP, crop_to
from seedx_tools.decks.writing.gallery import gallery_frames


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, size in (("wide", (2400, 400)), ("tall", (500, 1500)), ("photo", (900, 600)), ("tiny", (60, 60))):
        coarse = Image.effect_noise((size[0] // 20, size[1] // 20), 90)
        coarse.resize(size).convert("RGB").save(tmp_path / f"{name}.jpg")
    return tmp_path


def _make(seedx: SeedX, files: Path, *slides: str) -> Deck:
    text = "# T\n" + "\n".join(f"## S{number}\n{slide}" for number, slide in enumerate(slides, start=2))
    return make_slides(seedx, text, path=files / "deck.pptx", files=files, pictures=False)


def _pictures(deck: Deck) -> list[list[Any]]:
    slides = list(Presentation(str(deck.path)).slides)[1:]
    return [[shape for shape in slide.shapes if shape.element.tag == qn("p:pic")] for slide in slides]


def test_pictures_are_large_never_stretched_and_the_linter_is_silent(seedx: SeedX, files: Path) -> None:
    points = "- One\n- Two\n"
    deck = _make(
        seedx,
        files,
        f"{points}![a](wide.jpg)",
        f"{points}![b](tall.jpg)",
        f"{points}![c](photo.jpg)",
        "![d](wide.jpg)",
        "![e](photo.jpg)",
    )
    (wide,), (tall,), (beside,), (panorama,), (alone,) = _pictures(deck)
    assert wide.width >= Inches(10)
    assert tall.height >= Inches(4)
    assert beside.width >= Inches(6)
    assert panorama.width >= Inches(10)
    assert alone.height >= Inches(4)
    assert [shape._element.nvPicPr.cNvPr.get("descr") for (shape,) in _pictures(deck)] == ["a", "b", "c", "d", "e"]
    assert check_deck(deck.path).findings == ()


def test_a_small_picture_stays_small_and_is_told(seedx: SeedX, files: Path) -> None:
    deck = _make(seedx, files, "- One\n![a](tiny.jpg)")
    ((tiny,),) = _pictures(deck)
    assert tiny.width == tiny.height == pytest.approx(Inches(60 / 96), abs=2)
    assert deck.warnings == (
        "slide 2: its picture has only 60 x 60 pixels, so it is shown small (0.6 inches); use a larger one",
    )


def test_a_dot_is_no_picture_and_a_workbook_says_what_to_do(seedx: SeedX, files: Path) -> None:
    Image.new("RGB", (1, 1)).save(files / "dot.png")
    (files / "sales.xlsx").write_bytes(b"PK")
    deck = _make(seedx, files, "- One\n![a](dot.png)\n![b](sales.xlsx)")
    assert _pictures(deck) == [[]]
    assert deck.warnings == (
        "slide 2: the image file 'dot.png' was not used: it has only 1 x 1 pixels, too few to be seen",
        "slide 2: the image file 'sales.xlsx' was not used: it is a workbook; save the sheet as .csv, or make the deck "
        "from the file itself",
    )


def test_a_picture_that_is_shown_twice_is_in_the_file_once(seedx: SeedX, files: Path) -> None:
    deck = _make(seedx, files, "- One\n![a](photo.jpg)", "- Two\n![a](photo.jpg)")
    with zipfile.ZipFile(deck.path) as package:
        assert len([name for name in package.namelist() if name.startswith("ppt/media/")]) == 1


def test_several_pictures_stand_in_a_row_with_their_captions(seedx: SeedX, files: Path) -> None:
    deck = _make(seedx, files, "- Then and now\n![before](photo.jpg)\n![after](photo.jpg)")
    ((first, second),) = _pictures(deck)
    assert first.top == second.top
    assert first.left + first.width < second.left
    captions = [shape for shape in Presentation(str(deck.path)).slides[1].shapes if shape.name.startswith("Caption")]
    assert [shape.text_frame.text for shape in captions] == ["Before", "After"]
    assert check_deck(deck.path).findings == ()


def test_more_pictures_than_a_slide_shows_go_on_on_the_next(seedx: SeedX, files: Path) -> None:
    shown = _pictures(_make(seedx, files, "\n".join(f"![picture number {n} of many](photo.jpg)" for n in range(11))))
    assert [len(pictures) for pictures in shown] == [9, 2]


def test_a_drawing_is_embedded_with_its_stand_in(seedx: SeedX, files: Path) -> None:
    (files / "a.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 2'><script/><rect width='4' height='2'/></svg>"
    )
    deck = _make(seedx, files, "![a box](a.svg)", "![a box](a.svg)")
    (first,), (second,) = _pictures(deck)
    assert first.image.content_type == "image/png"
    with zipfile.ZipFile(deck.path) as package:
        (name,) = [name for name in package.namelist() if name.endswith(".svg")]
        assert b"<rect" in package.read(name)
        assert b"script" not in package.read(name)
    for shape in (first, second):
        (blip,) = [element for element in shape._element.iter() if element.tag.endswith("}svgBlip")]
        assert str(shape.part.related_part(blip.get(qn("r:embed"))).partname) == f"/{name}"


def test_the_same_photo_is_stored_once_and_alpha_stays(seedx: SeedX, files: Path) -> None:
    Image.new("RGBA", (900, 600), (200, 0, 0, 90)).save(files / "glass.png")
    deck = _make(seedx, files, "![a](photo.jpg)", "![a](photo.jpg)", "![b](glass.png)")
    with zipfile.ZipFile(deck.path) as package:
        media = sorted(name for name in package.namelist() if name.startswith("ppt/media/"))
        assert [Path(name).suffix for name in media] == [".jpg", ".png"]
        assert package.read(media[0]) == (files / "photo.jpg").read_bytes()
        assert package.read(media[1]) == (files / "glass.png").read_bytes()


def test_a_picture_without_a_description_is_told_and_has_the_title_as_alt_text(seedx: SeedX, files: Path) -> None:
    (files / "photo.jpg").rename(files / "IMG_1.jpg")
    deck = _make(seedx, files, "![](IMG_1.jpg)")
    assert _pictures(deck)[0][0]._element.nvPicPr.cNvPr.get("descr") == "S2"
    assert deck.warnings == (
        "slide 2: 'IMG_1.jpg' has no description; write ![what it shows](IMG_1.jpg) for screen readers",
    )


def test_a_slide_about_what_the_model_cannot_draw_gets_no_picture(seedx: SeedX, tmp_path: Path) -> None:
    text = "# Board review\n## Supplier risk\n- Our team grows\n## Sail\n- The boat is ready\n"
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx")
    assert [slide.picture is not None for slide in deck.slides] == [False, False, True]
    (warning,) = deck.warnings
    assert warning.startswith("slide 1, slide 2: ")
    assert "no decorative image was put in its place" in warning


def _object(box: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).rectangle(box, fill="navy")
    return image


def test_a_crop_keeps_what_the_picture_shows() -> None:
    at_left = crop_to(_object((10, 40, 120, 160)), 1.0)
    assert at_left is not None
    assert at_left[0] <= 10 / 300
    assert sum(at_left) == pytest.approx(1 / 3)
    assert crop_to(_object((10, 40, 290, 160)), 1.0) is None
    assert crop_to(_object((10, 40, 290, 160)), 1.5) == NO_CROP
    assert crop_to(Image.effect_noise((30, 20), 90).resize((300, 200)), 0.5) is None
    photo = crop_to(Image.effect_noise((30, 20), 90).resize((300, 200)), 1.3)
    assert photo is not None
    assert photo[0] + photo[2] == pytest.approx(1 - 1.3 / 1.5)


def test_gallery_frames_keep_proportions_order_and_the_room() -> None:
    sizes = [(3, 2), (2, 3), (1, 1), (4, 1), (3, 2)]
    frames = gallery_frames(sizes, (100, 200, 90_000, 40_000), gap=500, below=800)
    for (wide, high), (left, top, width, height) in zip(sizes, frames, strict=True):
        assert width / height == pytest.approx(wide / high, rel=0.01)
        assert 100 <= left and left + width <= 90_101
        assert 200 <= top and top + height + 800 <= 40_201
    assert frames == sorted(frames, key=lambda frame: (frame[1], frame[0]))


def test_images_of_the_model_go_on_slides_with_their_alt_text(seedx: SeedX, tmp_path: Path) -> None:
    images: dict[str, GivenImage] = {
        "boat": seedx.generate("a red boat"),
        "paint": seedx.edit(Image.new("RGB", (64, 64)), "paint it").image,
        "file": tmp_path / "a.png",
    }
    Image.new("RGBA", (600, 400), (0, 90, 90, 0)).save(tmp_path / "a.png")
    text = "# T\n## S2\n![a red boat](boat)\n## S3\n![](paint)\n## S4\n![a green pane](file)\n## S5\n![gone](gone)\n"
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", files=images, pictures=False)
    shown = _pictures(deck)
    assert [[shape._element.nvPicPr.cNvPr.get("descr") for shape in slide] for slide in shown] == [
        ["a red boat"],
        ["paint"],
        ["a green pane"],
        [],
    ]
    assert shown[2][0].image.blob == (tmp_path / "a.png").read_bytes()
    assert deck.warnings == (
        "slide 5: the image file 'gone' was not used: files= has no image 'gone', only 'boat', 'paint', 'file'",
    )
