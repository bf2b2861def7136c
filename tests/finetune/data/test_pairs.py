from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seedx_finetune.data.batches import DenoisingBatch, Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.documents import DrawImage, ImageRef, ReadImage, Text
from seedx_finetune.data.images import to_pixels
from seedx_finetune.data.loader import image_pairs
from seedx_finetune.data.pairs import Pair, denoising_row, pairs_of
from seedx_finetune.training.config import RunConfig
from seedx_sdk.imaging import open_image
from seedx_sdk.model.transforms import ImageTransform
from tests.support.notes import CELL, Check, Line, Paint, texts

SIZE = 48


def batches(config: SourceConfig, count: int, batch_size: int = 4) -> list[DenoisingBatch]:
    place: dict[str, Any] = {"start": Position(), "rank": 0, "world": 1}
    stream = image_pairs([config], RunConfig(), batch_size=batch_size, size=SIZE, cell=CELL, **place)
    return [next(stream) for _ in range(count)]


def test_targets_are_what_is_drawn_or_else_what_is_read() -> None:
    a, b, c = (ImageRef(name, Path(name), 9, 9) for name in "abc")
    assert pairs_of((Text("x"), ReadImage(a), DrawImage(b, a), DrawImage(c))) == [Pair(b, a), Pair(c)]
    assert pairs_of((ReadImage(a), Text("x"), ReadImage(b))) == [Pair(a), Pair(b)]
    assert pairs_of((Text("x"),)) == []


@pytest.mark.parametrize("size", [(80, 60), (60, 83), (31, 200), (48, 48), (20, 20)])
def test_an_image_without_condition_is_cropped(size: tuple[int, int]) -> None:
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    image = Image.fromarray(np.stack([x, y, 0 * x], -1).astype(np.uint8))
    row = denoising_row(image, None, name="n", source="s", size=SIZE, cell=CELL)
    assert (row.target.shape, row.encoder_view.shape) == ((3, SIZE, SIZE), (3, CELL, CELL))
    reference = ImageTransform("sd", SIZE, keep_ratio=True)(image)
    assert torch.equal((row.target.float() / 255 - 0.5) / 0.5, reference)
    assert row.size == (size[1], size[0])
    top, left = row.crop
    scale = SIZE / min(size)
    # red tells the column and green the row of the original
    middle_red, middle_green = (float(row.target[channel].float().mean()) for channel in (0, 1))
    assert middle_red == pytest.approx(255 * (left + SIZE / 2) / (size[0] * scale), abs=3)
    assert middle_green == pytest.approx(255 * (top + SIZE / 2) / (size[1] * scale), abs=3)
    # and the visual encoder sees the same part
    for channel in range(3):
        assert float(row.encoder_view[channel].float().mean()) == pytest.approx(
            float(row.target[channel].float().mean()), abs=2
        )


def test_an_image_and_its_condition_are_squeezed_alike(source: Check, paint: Paint, tmp_path: Path) -> None:
    line = {"ask": "a", "answer": "b", "read": "a.png", "draw": paint("b.png", 90, 40), "from": paint("a.png", 70, 80)}
    (batch,) = batches(source([line]), 1, 2)
    target, condition = (open_image(tmp_path / name) for name in ("b.png", "a.png"))
    squeeze = (SIZE, SIZE), Image.Resampling.BICUBIC
    for i in (0, 1):
        assert torch.equal(batch.target[i], to_pixels(target.resize(*squeeze)))
        assert torch.equal(batch.condition[i], to_pixels(condition.resize(*squeeze)))
        view = target.resize((CELL, CELL), Image.Resampling.BILINEAR)
        assert torch.equal(batch.encoder_view[i], to_pixels(view))
    assert batch.has_condition.tolist() == [True, True]
    assert batch.sizes.tolist() == [[40, 90]] * 2
    assert batch.crops.tolist() == [[0, 0]] * 2


def test_batches_mix_images_with_and_without_a_condition(source: Check, paint: Paint) -> None:
    lines = texts(30, longest=3)
    for i in range(0, 30, 3):
        lines[i] |= {"draw": paint(f"{i}.png"), "from": paint(f"from{i}.png")}
        lines[i + 1]["draw"] = f"{i}.png"
    for batch in batches(source(lines), 10):
        assert batch.target.shape == batch.condition.shape == (4, 3, SIZE, SIZE)
        assert batch.target.dtype == torch.uint8
        with_condition = [(int(name.split(":")[1]) - 1) % 3 == 0 for name in batch.names]
        assert batch.has_condition.tolist() == with_condition
        assert (batch.condition.flatten(1).any(1) == batch.has_condition).all()


def test_in_the_place_of_a_damaged_image_stands_another(source: Check, paint: Paint, tmp_path: Path) -> None:
    lines: list[Line] = [{"ask": "a", "answer": "b", "draw": paint(f"{i}.png")} for i in range(20)]
    config = source(lines)
    for i in (3, 8):
        (tmp_path / f"{i}.png").write_bytes(b"no image")
    epoch = batches(config, 5)
    assert sorted(skipped.name for batch in epoch for skipped in batch.skipped) == ["notes.jsonl:4", "notes.jsonl:9"]
    names = [name for batch in epoch for name in batch.names]
    assert len(names) == 20
    assert set(names) == {f"notes.jsonl:{i + 1}" for i in range(20)} - {"notes.jsonl:4", "notes.jsonl:9"}
