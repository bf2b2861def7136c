"""Picture sizes as tools take them: one short text such as 512x768."""

from __future__ import annotations

SIZE_PATTERN = r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$"
SIZE_DESCRIPTION = "Width and height in pixels, like 512x512; both multiples of 8. Default: the model's own size."


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return (width, height) in pixels of a text that matches SIZE_PATTERN; None stays None."""
    if text is None:
        return None
    width, height = text.split("x")
    return int(width), int(height)
