from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seedx_finetune.data.documents import ImageRef
from seedx_finetune.data.images import StoredImage, cell_keys, cell_pixels, to_pixels
from seedx_finetune.errors import DataError
from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.grids import READ_GRIDS, choose_grid
from seedx_sdk.model.transforms import CLIP_MEAN, CLIP_STD, ImageTransform


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(20, 20), (80, 80), (200, 40), (33, 190)])
def test_cells_are_those_of_the_engine(size: tuple[int, int]) -> None:
    image = noise(*size)
    engine = split_image(image, READ_GRIDS, 32, ImageTransform("clip", 32))
    columns, rows = choose_grid(size, READ_GRIDS, 32)
    cells = cell_pixels(image, columns, rows, 32)
    mean, std = (torch.tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    assert torch.equal((cells.float() / 255 - mean) / std, engine.images)


def test_the_global_view_alone_is_the_last_cell() -> None:
    image = noise(80, 80)
    assert torch.equal(cell_pixels(image, 0, 0, 32), cell_pixels(image, 2, 2, 32)[-1:])


def test_an_image_inside_another_file_is_read_in_place(tmp_path: Path) -> None:
    data = png(noise(30, 20))
    (tmp_path / "all.tar").write_bytes(b"x" * 512 + data + b"y" * 99)
    ref = ImageRef("all.tar:a.png", tmp_path / "all.tar", 30, 20, offset=512, length=len(data))
    assert torch.equal(to_pixels(StoredImage(ref).image), to_pixels(noise(30, 20)))
    with zipfile.ZipFile(tmp_path / "deck.pptx", "w") as archive:
        archive.writestr("media/a.png", data)
    member = ImageRef("deck.pptx:media/a.png", tmp_path / "deck.pptx", 30, 20, member="media/a.png")
    assert StoredImage(member).data == data


def test_an_image_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    noise(30, 20).save(tmp_path / "a.png", exif=exif)
    upright = StoredImage(ImageRef("a.png", tmp_path / "a.png", 20, 30)).image
    assert torch.equal(to_pixels(upright), to_pixels(noise(30, 20)).rot90(-1, (1, 2)))


def test_a_region_is_blanked_and_has_keys_of_its_own(tmp_path: Path) -> None:
    noise(30, 20).save(tmp_path / "a.png")
    whole = StoredImage(ImageRef("a.png", tmp_path / "a.png", 30, 20))
    blank = StoredImage(ImageRef("a.png", tmp_path / "a.png", 30, 20, blank=(5, 6, 15, 16)))
    pixels = to_pixels(blank.image)
    assert (pixels[:, 6:16, 5:15] == 128).all()
    pixels[:, 6:16, 5:15] = to_pixels(whole.image)[:, 6:16, 5:15]
    assert torch.equal(pixels, to_pixels(whole.image))
    assert not set(cell_keys(whole, 2, 1, 32)) & set(cell_keys(blank, 2, 1, 32))


def test_keys_name_what_is_shown(tmp_path: Path) -> None:
    for name in ("a.png", "copy.png"):
        noise(80, 80).save(tmp_path / name)
    first, copy = (StoredImage(ImageRef(name, tmp_path / name, 80, 80)) for name in ("a.png", "copy.png"))
    one, four = cell_keys(first, 1, 1, 32), cell_keys(first, 2, 2, 32)
    assert one == cell_keys(copy, 1, 1, 32)
    assert one[0] == one[1] == four[-1]
    assert len(set(four)) == 5
    assert not set(four) & {*cell_keys(first, 4, 1, 32)[:-1], *cell_keys(first, 2, 2, 48)}


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    noise(30, 20).save(tmp_path / "a.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:-200])
    (tmp_path / "not.zip").write_bytes(b"PK")
    for ref, reason in (
        (ImageRef("none.png", tmp_path / "none.png", 30, 20), "none.png cannot be read .*No such file"),
        (ImageRef("cut.png", tmp_path / "cut.png", 30, 20), "cut.png: .*damaged or cut short"),
        (ImageRef("a.png", tmp_path / "a.png", 30, 21), "a.png is 30x20, and was 30x21 when checked"),
        (ImageRef("m", tmp_path / "not.zip", 30, 20, member="m"), "m cannot be read"),
        (ImageRef("far", tmp_path / "a.png", 30, 20, offset=10**6), "far: .*is empty"),
    ):
        with pytest.raises(DataError, match=reason):
            StoredImage(ref).image  # noqa: B018
