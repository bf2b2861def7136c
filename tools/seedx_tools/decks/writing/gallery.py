"""Pictures beside each other: rows of one height, nothing stretched or cropped, as large as the room allows."""

from __future__ import annotations

from collections.abc import Sequence

from seedx_tools.decks.ooxml.layouts import EmuFrame

Size = tuple[float, float]

MAX_PICTURES = 9
"""On one slide: more would be too small to be seen."""


def gallery_frames(sizes: Sequence[Size], room: EmuFrame, *, gap: int, below: int = 0) -> list[EmuFrame]:
    """Return a frame for each picture, in order: rows whose pictures have one height, centered in the room.

    Args:
        sizes: The width and height of each picture, in any unit.
        room: Where they go, in EMU.
        gap: The space between two pictures.
        below: The space under each picture, for its caption.
    """
    aspects = [width / height for width, height in sizes]
    candidates = (_rows(aspects, num_rows, room, gap, below) for num_rows in range(1, len(sizes) + 1))
    return max(candidates, key=shown_area)


def shown_area(frames: Sequence[EmuFrame]) -> int:
    """Return the area of frames, in square EMU."""
    return sum(width * height for _, _, width, height in frames)


def _rows(aspects: Sequence[float], num_rows: int, room: EmuFrame, gap: int, below: int) -> list[EmuFrame]:
    """Return the frames of pictures in this number of rows, with as many in each as possible to share out evenly."""
    left, top, width, height = room
    count = len(aspects)
    ends = [round(count * (row + 1) / num_rows) for row in range(num_rows)]
    rows = [list(aspects[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    free = height - num_rows * below - (num_rows - 1) * gap
    heights = [max(1.0, (width - (len(row) - 1) * gap) / sum(row)) for row in rows]
    scale = min(1.0, max(1.0, free) / sum(heights))
    used = sum(heights) * scale + num_rows * below + (num_rows - 1) * gap
    frames: list[EmuFrame] = []
    y = top + max(0.0, height - used) / 2
    for row, full in zip(rows, heights, strict=True):
        high = full * scale
        x = left + max(0.0, width - sum(row) * high - (len(row) - 1) * gap) / 2
        for aspect in row:
            frames.append((round(x), round(y), round(aspect * high), round(high)))
            x += aspect * high + gap
        y += high + below + gap
    return frames
