from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from seedx_sdk import ImageError
from seedx_tools.illustration.image_files import embeddable, read_image_file, words_in_name


def _read(path: Path) -> tuple[Image.Image, bytes]:
    """Return an image file as it is embedded, shown 10 inches wide, and its bytes."""
    image, file = read_image_file(path, lambda _: None)
    data = embeddable(image, file, (10.0, 10.0 * image.height / image.width))
    return Image.open(io.BytesIO(data)), data


@pytest.mark.parametrize(("name", "mode"), [("a.jpg", "RGB"), ("a.png", "RGB"), ("b.png", "RGBA"), ("c.png", "P")])
def test_a_file_that_fits_keeps_its_bytes(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    Image.new(mode, (400, 300)).save(path)
    assert _read(path)[1] == path.read_bytes()


def test_a_large_photo_is_scaled_to_what_is_shown_and_stays_a_jpeg(tmp_path: Path) -> None:
    Image.effect_noise((3600, 1800), 60).convert("RGB").save(tmp_path / "a.jpg", icc_profile=b"profile")
    shown, data = _read(tmp_path / "a.jpg")
    assert (shown.format, shown.size, shown.info["icc_profile"]) == ("JPEG", (2200, 1100), b"profile")
    assert len(data) < (tmp_path / "a.jpg").stat().st_size


@pytest.mark.parametrize(
    ("name", "mode", "stays"), [("a.webp", "RGB", "JPEG"), ("a.webp", "RGBA", "PNG"), ("a.bmp", "RGB", "PNG")]
)
def test_formats_that_not_all_programs_show_become_jpeg_or_png(
    tmp_path: Path, name: str, mode: str, stays: str
) -> None:
    Image.new(mode, (40, 30)).save(tmp_path / name)
    shown, _ = _read(tmp_path / name)
    assert (shown.format, shown.mode) == (stays, mode)


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg", exif=exif)
    shown, _ = _read(tmp_path / "a.jpg")
    assert (shown.format, shown.size, shown.getexif().get(274, 1)) == ("JPEG", (300, 400), 1)


def test_ink_colors_become_screen_colors(tmp_path: Path) -> None:
    Image.new("CMYK", (40, 30)).save(tmp_path / "a.jpg")
    shown, _ = _read(tmp_path / "a.jpg")
    assert (shown.format, shown.mode) == ("JPEG", "RGB")


def test_a_hostile_drawing_is_an_image_error(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(ImageError, match="'a.svg' defines XML entities"):
        read_image_file(tmp_path / "a.svg", lambda _: None)


@pytest.mark.parametrize(
    ("name", "words"),
    [("boat-school.png", "boat school"), ("IMG_2041.jpg", ""), ("image1.png", ""), ("x.png", ""), ("Logo.svg", "Logo")],
)
def test_only_file_names_with_words_describe_an_image(name: str, words: str) -> None:
    assert words_in_name(name) == words
