from __future__ import annotations

import base64
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seedx_sdk.annotation import draw_boxes
from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.files import check_output_path, output_file, write_file
from seedx_sdk.imaging import ALLOWED_FORMATS, ImageLimits, open_image, save_image, to_data_uri, to_png
from seedx_sdk.types import Box


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=name, **options)
    return buffer.getvalue()


def pixel(image: Image.Image, xy: tuple[int, int]) -> tuple[int, ...]:
    """Return the channels of a pixel of an RGB image."""
    channels = image.getpixel(xy)
    assert isinstance(channels, tuple)
    return channels


def png_header(width: int, height: int) -> bytes:
    """Make a PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ALLOWED_FORMATS)
def test_each_allowed_format_opens_from_bytes_path_and_data_uri(
    name: str, picture: Image.Image, tmp_path: Path
) -> None:
    data = encode(picture, name)
    path = tmp_path / "image.bin"
    path.write_bytes(data)
    uri = "data:image/any;base64," + base64.b64encode(data).decode()
    for source in (data, path, str(path), uri):
        opened = open_image(source)
        assert (opened.mode, opened.size) == ("RGB", (64, 48))
        red, _, blue = pixel(opened, (32, 24))
        assert red > 190 and blue < 80


@pytest.mark.parametrize("name", ["ICO", "PPM", "TGA", "PDF", "EPS"])
def test_other_formats_are_refused_with_the_list(name: str, picture: Image.Image) -> None:
    with pytest.raises(ImageError, match="allowed are PNG, JPEG, WEBP, GIF, BMP, TIFF: convert it first"):
        open_image(encode(picture, name))


@pytest.mark.parametrize(
    "source", [b"not an image", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_bytes_that_are_no_picture_are_refused(source: bytes) -> None:
    with pytest.raises(ImageError, match="is not a readable image"):
        open_image(source)


def test_empty_sources_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for source in (b"", tmp_path / "empty.png", "data:image/png;base64,"):
        with pytest.raises(ImageError, match=r"is empty \(0 bytes\)"):
            open_image(source)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_file_cut_short_is_refused(name: str) -> None:
    data = encode(Image.effect_noise((200, 200), 90).convert("RGB"), name)
    with pytest.raises(ImageError, match="damaged or cut short|not a readable image"):
        open_image(data[: len(data) // 2])


def test_a_flipped_byte_in_a_png_is_refused() -> None:
    data = bytearray(encode(Image.effect_noise((200, 200), 90), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="damaged"):
        open_image(bytes(data))


@given(st.binary(min_size=1, max_size=200), st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
def test_damaged_files_give_a_picture_or_an_image_error(junk: bytes, name: str) -> None:
    data = bytearray(encode(Image.new("RGB", (16, 16), "red"), name))
    at = len(data) // 3
    data[at : at + len(junk)] = junk
    try:
        assert open_image(bytes(data), on_warning=lambda _: None).mode == "RGB"
    except ImageError:
        pass


def test_an_animation_gives_its_first_frame_and_a_warning(picture: Image.Image) -> None:
    data = encode(picture, "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48), "black")])
    heard: list[str] = []
    opened = open_image(data, on_warning=heard.append)
    assert heard == ["the given image file has several frames; only the first is used"]
    assert pixel(opened, (32, 24))[0] > 190
    with pytest.warns(UserWarning, match="only the first is used"):
        open_image(data)


def test_cmyk_becomes_rgb() -> None:
    data = encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    red, green, blue = pixel(open_image(data), (4, 4))
    assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(name: str) -> None:
    wide = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 32768, 65535)):
        wide.putpixel((x, 0), value)
    opened = open_image(encode(wide, name))
    assert [opened.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


def test_float_pixels_are_refused() -> None:
    with pytest.raises(ImageError, match="save it with 8 or 16 bits"):
        open_image(encode(Image.new("F", (8, 8), 0.5), "TIFF"))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "RGBa"])
def test_transparent_parts_become_white(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 0)).convert(mode)
    if mode == "P":
        image.info["transparency"] = image.getpixel((0, 0))
    assert open_image(image).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "HSV", "LAB", "YCbCr", "RGBX"])
def test_every_8_bit_mode_becomes_rgb(mode: str) -> None:
    assert open_image(Image.new(mode, (8, 8))).mode == "RGB"


def test_a_turned_photograph_is_put_upright(picture: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_image(encode(picture, "JPEG", exif=exif)).size == (48, 64)


def test_one_pixel_works() -> None:
    assert open_image(encode(Image.new("RGB", (1, 1), "red"), "PNG")).getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(20000, 20), (20, 20000), (41, 2)])
def test_slivers_are_refused_with_the_cure(size: tuple[int, int]) -> None:
    for source in (Image.new("RGB", size), encode(Image.new("RGB", size), "PNG")):
        with pytest.raises(InputError, match=f"{size[0]}x{size[1]}, longer than 20:1.*crop it"):
            open_image(source)


@pytest.mark.parametrize("size", [(8000, 6000), (12000, 9000), (60000, 60000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="more than 40 million pixels, the most that is decoded; scale it down"):
        open_image(png_header(*size))


def test_a_file_over_the_byte_cap_is_refused(tmp_path: Path, picture: Image.Image) -> None:
    limits = ImageLimits(max_bytes=100)
    path = tmp_path / "big.png"
    path.write_bytes(to_png(picture) + bytes(200))
    for source in (path, path.read_bytes(), to_data_uri(picture)):
        with pytest.raises(ImageError, match="the most that is opened; scale it down or compress it"):
            open_image(source, limits=limits)


def test_a_missing_path_a_directory_and_a_device_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no image at .*missing.png.*check the path"):
        open_image(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="is a directory; pass the path of one"):
        open_image(tmp_path)
    with pytest.raises(ImageError, match="is not a regular file"):
        open_image(os.devnull)
    for path in ("x" * 5000, "a\0b", ""):
        with pytest.raises(ImageError):
            open_image(path)


@pytest.mark.parametrize(
    "url", ["http://example.org/a.png", "https://10.0.0.1/a.png", "file:///etc/passwd", "ftp://a/b"]
)
def test_urls_are_not_opened(url: str) -> None:
    with pytest.raises(ImageError, match="URLs are not opened; download it and pass the file's path"):
        open_image(url)


@pytest.mark.parametrize(
    "uri", ["data:,x", "data:text/plain;base64,eA==", "data:image/png,abc", "data:image/png;base64"]
)
def test_other_data_uris_are_refused(uri: str) -> None:
    with pytest.raises(ImageError, match="it must start with data:image/...;base64,"):
        open_image(uri)


def test_bad_base64_is_refused() -> None:
    with pytest.raises(ImageError, match="not valid base64"):
        open_image("data:image/png;base64,@@@@")


@pytest.mark.parametrize("source", [None, 3, 1.5, ["a.png"], object()])
def test_other_types_are_refused(source: object) -> None:
    with pytest.raises(ImageError, match="pass a PIL image, a path, bytes or a data URI"):
        open_image(source)  # type: ignore[arg-type]


def test_the_callers_picture_is_not_changed(picture: Image.Image) -> None:
    before = picture.tobytes()
    draw_boxes(open_image(picture), [Box.on("a", (0, 0, 1, 1), picture.size)])
    assert picture.tobytes() == before


def test_boxes_are_drawn_where_they_are(picture: Image.Image) -> None:
    box = Box.on("", (0.25, 0.25, 0.75, 0.75), picture.size)
    assert box.pixels == (16, 12, 48, 36)
    drawn = draw_boxes(picture, [box])
    assert drawn.size == picture.size
    changed = [(x, y) for y in range(48) for x in range(64) if drawn.getpixel((x, y)) != picture.getpixel((x, y))]
    assert min(x for x, _ in changed) in (15, 16) and max(x for x, _ in changed) in (47, 48)
    assert min(y for _, y in changed) in (11, 12) and max(y for _, y in changed) in (35, 36)


def test_boxes_of_any_shape_and_label_can_be_drawn() -> None:
    for size in ((1, 1), (3, 40), (640, 480)):
        boxes = [Box.on("a long label that does not fit", corners, size) for corners in ((0, 0, 0, 0), (1, 1, 0, 0))]
        assert draw_boxes(Image.new("RGB", size), boxes).size == size


def test_a_file_is_written_whole(tmp_path: Path, picture: Image.Image) -> None:
    path = save_image(picture, tmp_path / "a.PNG")
    assert open_image(path).tobytes() == picture.tobytes()
    assert [item.name for item in tmp_path.iterdir()] == ["a.PNG"]


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.txt", b"old")

    class _Stop(Exception):
        pass

    with pytest.raises(_Stop), output_file(path) as partial:
        partial.write_bytes(b"half")
        raise _Stop
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_unwritable_outputs_are_refused(tmp_path: Path, picture: Image.Image) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputPathError, match="mkdir -p"):
        save_image(picture, tmp_path / "no" / "a.png")
    with pytest.raises(OutputPathError, match="is a directory"):
        write_file(tmp_path, b"")
    with pytest.raises(OutputPathError, match="is a file, so nothing can be written inside it"):
        save_image(picture, tmp_path / "file" / "a.png")
    with pytest.raises(OutputPathError, match="use one of .png, .jpg, .jpeg, .webp"):
        save_image(picture, tmp_path / "a.xyz")
    with pytest.raises(OutputPathError, match="choose another path"):
        write_file(tmp_path / ("x" * 300), b"")
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_closed_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputPathError, match="cannot be written"):
        check_output_path(tmp_path / "a.png")
