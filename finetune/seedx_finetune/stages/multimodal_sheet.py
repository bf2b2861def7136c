"""An image that shows what the language model makes of a row: its answers, and how far its images are off.

Shapes: as in `data.batches`, and Q image tokens of a block.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from seedx_finetune.data.batches import PackedBatch
from seedx_finetune.stages.multimodal_model import Outputs, supervised_positions
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["write_sheet"]

SAMPLES, SIDE, WIDTH, LINE, COLUMNS = 8, 128, 1024, 12, 110
"""Samples of a sheet, side of an image, width of the sheet and height of a line in pixels, letters of a line."""


def write_sheet(batch: PackedBatch, outputs: Outputs, tokenizer: Tokenizer, path: Path) -> None:
    """Write a sheet with the first samples: the images, the text to learn, and the text that the model predicts.

    Args:
        batch: The row.
        outputs: What the model made of it, with gradients off.
        tokenizer: Decodes both texts.
        path: The .png file.
    """
    strips = [_sample(index, batch, outputs, tokenizer) for index in range(min(SAMPLES, len(batch.names)))]
    sheet = Image.new("RGB", (WIDTH, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    sheet.save(path, format="PNG")


def _sample(index: int, batch: PackedBatch, outputs: Outputs, tokenizer: Tokenizer) -> Image.Image:
    assert outputs.tokens is not None
    start, stop = batch.boundaries[index : index + 2].tolist()
    positions = supervised_positions(batch)
    inside = ((positions >= start) & (positions < stop)).nonzero()[:, 0]
    learned = tokenizer.decode(batch.labels[0, positions[inside]].tolist())
    predicted = tokenizer.decode(outputs.tokens.cpu()[inside].tolist())
    read = _cells(batch.read_mask, batch.read_cells, start, stop)
    drawn = _cells(batch.draw_mask, batch.draw_cells, start, stop)
    errors = [
        f"{float(outputs.image_losses[block]):.3g}"
        for block in _blocks(batch.draw_mask, len(batch.draw_cells), start, stop)
    ]
    lines = [
        f"{batch.sources[index]}  {batch.names[index]}",
        f"reads {len(dict.fromkeys(read))} cells, draws {len(drawn)} images, distance {', '.join(errors) or 'none'}",
        *textwrap.wrap(f"learn: {learned}", COLUMNS)[:5],
        *textwrap.wrap(f"model: {predicted}", COLUMNS)[:5],
    ]
    images = [] if batch.pixels is None else [batch.pixels[cell] for cell in [*dict.fromkeys(read), *drawn]]
    strip = Image.new("RGB", (WIDTH, LINE * (len(lines) + 1) + (SIDE if images else 0)), "white")
    ImageDraw.Draw(strip).multiline_text((4, 2), "\n".join(lines), fill="black", spacing=1)
    for number, pixels in enumerate(images[: WIDTH // SIDE]):
        image = Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((SIDE, SIDE))
        strip.paste(image, (number * SIDE, LINE * (len(lines) + 1)))
    return strip


def _cells(mask: torch.Tensor, cells: torch.Tensor, start: int, stop: int) -> list[int]:
    """Return the cells of the blocks between two positions."""
    return [int(cells[block]) for block in _blocks(mask, len(cells), start, stop)]


def _blocks(mask: torch.Tensor, count: int, start: int, stop: int) -> range:
    """Return the numbers of the blocks of image tokens between two positions; all blocks are equally long."""
    before, inside = int(mask[0, :start].sum()), int(mask[0, start:stop].sum())
    length = max(1, int(mask.sum()) // max(1, count))
    return range(before // length, (before + inside) // length)
