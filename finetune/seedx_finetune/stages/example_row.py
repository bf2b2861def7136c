"""A full row of what training usually reads, made without data: for estimates of memory and time.

Shapes: as in `data.batches`.
"""

from __future__ import annotations

import torch

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.examples import IGNORE

__all__ = ["example_row"]

TEXT, LEARNED = 64, 48
"""Tokens of text of each document, and how many of them are learned where it is about an image. Captions of the
reference have at most 260 tokens with two blocks of an image (configs/data)."""


def example_row(pack_length: int, *, cell: int, num_tokens: int) -> PackedBatch:
    """Return a row of documents about an image of one cell, of which each third one draws its image instead.

    Ids and pixels are zeros. The last document's text goes on to the end of the row.

    Args:
        pack_length: Tokens of the row.
        cell: Side of a cell, in pixels.
        num_tokens: Image tokens of a block.
    """
    block = num_tokens + 2
    labels = torch.full((1, pack_length), IGNORE)
    read, draw = torch.zeros(1, pack_length, dtype=torch.bool), torch.zeros(1, pack_length, dtype=torch.bool)
    starts, read_cells, draw_cells = [0], list[int](), list[int]()
    cells = 0
    while (start := starts[-1]) < pack_length:
        draws = len(starts) % 3 == 0
        length = TEXT + (block if draws else 2 * block)
        if start + 2 * length > pack_length:
            length = pack_length - start
        if length >= TEXT + 2 * block and not draws:
            for begin in (start + 1, start + 1 + block):
                read[0, begin + 1 : begin + 1 + num_tokens] = True
            read_cells += [cells, cells]
            cells += 1
            labels[0, start + length - LEARNED : start + length] = 0
        elif length >= TEXT + block and draws:
            begin = start + length - 1 - block
            draw[0, begin + 1 : begin + 1 + num_tokens] = True
            draw_cells.append(cells)
            cells += 1
            labels[0, [begin, start + length - 1]] = 0
        else:
            labels[0, start + 1 : start + length] = 0
        starts.append(start + length)
    boundaries = torch.tensor(starts, dtype=torch.int32)
    lengths = boundaries.diff().tolist()
    return PackedBatch(
        after=Position(1),
        names=tuple(f"example:{number}" for number in range(len(lengths))),
        sources=("example",) * len(lengths),
        skipped=(),
        input_ids=torch.zeros(1, pack_length, dtype=torch.int64),
        labels=labels,
        position_ids=torch.cat([torch.arange(length) for length in lengths])[None],
        boundaries=boundaries,
        read_mask=read,
        draw_mask=draw,
        pixels=torch.zeros(cells, 3, cell, cell, dtype=torch.uint8) if cells else None,
        features=None,
        cell_keys=tuple(str(number) for number in range(cells)),
        read_cells=torch.tensor(read_cells, dtype=torch.int64),
        read_positions=torch.full((len(read_cells), 2), 0.5),
        draw_cells=torch.tensor(draw_cells, dtype=torch.int64),
    )
