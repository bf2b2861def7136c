"""Images of more pixels than the model uses: scaled down while they are decoded, and answers in their own pixels."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

pytest.importorskip("numpy")

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageFile

from seedx_sdk import Message, SeedX, imaging
from seedx_sdk.imaging import MODEL_PIXELS, image_size, open_for_model, open_image
from seedx_sdk.model.grids import READ_GRIDS, choose_grid
from seedx_sdk.testing import ScriptedEngine

LIMIT = 10_000


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model use less, so that tests need no large images."""
    monkeypatch.setattr(imaging, "MODEL_PIXELS", LIMIT)


def gradient(width: int, height: int) -> Image.Image:
    """Return a smooth image that shows where a pixel came from."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (across, down, Image.new("L", (width, height), 90)))


def encode(image: Image.Image, name: str, orientation: int = 1) -> bytes:
    buffer, exif = BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(buffer, name, exif=exif)
    return buffer.getvalue()


def error(image: Image.Image, other: Image.Image) -> float:
    return float(np.asarray(ImageChops.difference(image, other), np.float32).mean())


def test_as_many_pixels_are_kept_as_the_model_draws_and_more_than_it_reads() -> None:
    info = ScriptedEngine().info
    assert type(info).model_fields["max_size"].default ** 2 == MODEL_PIXELS
    for width, height in ((1, 1), (4, 3), (3, 1), (1, 4), (20, 1)):
        scale = (MODEL_PIXELS / (width * height)) ** 0.5
        columns, rows = choose_grid((int(width * scale), int(height * scale)), READ_GRIDS, 448)
        assert int(width * scale) >= columns * 448 and int(height * scale) >= rows * 448
        assert (columns, rows) == choose_grid((int(3 * width * scale), int(3 * height * scale)), READ_GRIDS, 448)


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_large_file_is_scaled_down_upright(name: str, orientation: int) -> None:
    data = encode(gradient(800, 400), name, orientation)
    kept, size = open_for_model(data)
    assert size == image_size(data) == ((800, 400) if orientation == 1 else (400, 800))
    assert kept.mode == "RGB" and kept.size == ((141, 70) if orientation == 1 else (70, 141))
    assert error(kept, open_image(data).resize(kept.size, Image.Resampling.BICUBIC)) < 2
    assert open_for_model(kept) == (kept, kept.size), "once is enough, and it is not turned again"


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_an_image_of_every_mode_is_scaled_down_and_the_callers_stays(mode: str) -> None:
    image = Image.new("I;16", (300, 200), 65535) if mode == "I;16" else gradient(300, 200).convert(mode)
    before = image.copy()
    kept, size = open_for_model(image)
    assert (kept.mode, kept.size, size) == ("RGB", (122, 81), (300, 200))
    assert image == before
    assert error(kept, open_image(image).resize(kept.size, Image.Resampling.BICUBIC)) < 3


@pytest.mark.usefixtures("limit")
def test_a_large_jpeg_is_never_decoded_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, int]] = []
    load = ImageFile.ImageFile.load

    def note(image: ImageFile.ImageFile) -> Any:
        decoded.append(image.size)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", note)
    open_for_model(encode(gradient(800, 400), "JPEG"))
    assert decoded[0] == (200, 100)


@pytest.mark.usefixtures("limit")
def test_an_image_within_the_limit_keeps_every_pixel() -> None:
    data = encode(gradient(100, 100), "PNG")
    assert open_for_model(data) == (open_image(data), (100, 100))


@pytest.mark.usefixtures("limit")
def test_boxes_are_in_pixels_of_the_given_image_and_the_annotated_one_is_scaled() -> None:
    engine = ScriptedEngine()
    found = SeedX(engine=engine).detect(gradient(800, 400), "the house")
    assert engine.requests[0].messages[-1].images[0].size == (141, 70)
    (box,) = found.boxes
    assert (box.normalized, box.pixels) == ((0.25, 0.25, 0.75, 0.75), (200, 100, 600, 300))
    assert found.annotated.size == (141, 70)


@pytest.mark.usefixtures("limit")
def test_boxes_of_a_chat_are_in_pixels_of_its_last_image_also_in_the_stream() -> None:
    box = SeedX(engine=ScriptedEngine()).detect(gradient(80, 40), "the house").boxes[0]
    engine = ScriptedEngine([Message.assistant("There.")], boxes=(box,))
    messages = [Message.user(gradient(90, 90), gradient(800, 400), "where?")]
    events = list(SeedX(engine=engine).chat_stream(messages))
    named = [event.box for event in events if event.type == "box_found"]
    named += [box for event in events if event.type == "reply_done" for box in event.reply.boxes]
    assert [found.pixels for found in named] == [(200, 100, 600, 300)] * 2


@pytest.mark.usefixtures("limit")
def test_a_region_to_dress_is_in_pixels_of_the_given_image() -> None:
    engine = ScriptedEngine()
    dressed = SeedX(engine=engine).try_on(gradient(800, 400), gradient(50, 50), region=(200, 100, 600, 300))
    assert dressed.region.pixels == (200, 100, 600, 300)
    seen = engine.requests[0].messages[-1].images[0]
    assert seen.size == (141, 70)
    assert [seen.getpixel((x, 35)) == (128, 128, 128) for x in (34, 36, 104, 106)] == [False, True, True, False]
