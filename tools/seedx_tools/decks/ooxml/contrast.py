"""Contrast of two colors by the Web Content Accessibility Guidelines 2.2 (success criterion 1.4.3)."""

from __future__ import annotations

AA_NORMAL = 4.5
"""The minimum contrast of text at level AA."""

AA_LARGE = 3.0
"""The minimum contrast of large text at level AA."""

_LARGE_POINTS = 18.0
_LARGE_BOLD_POINTS = 14.0


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two RRGGBB colors: 1.0 (the same) to 21.0 (black on white)."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def least_contrast(size: float, *, bold: bool) -> float:
    """Return the minimum contrast of text of this size in points at level AA."""
    return AA_LARGE if size >= (_LARGE_BOLD_POINTS if bold else _LARGE_POINTS) else AA_NORMAL


def _luminance(rgb: str) -> float:
    red, green, blue = (to_linear(int(rgb[index : index + 2], 16) / 255) for index in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def to_linear(channel: float) -> float:
    """Return the linear value of one sRGB channel, both 0 to 1."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def to_srgb(light: float) -> float:
    """Return the sRGB channel of a linear value, both 0 to 1."""
    return light * 12.92 if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)
