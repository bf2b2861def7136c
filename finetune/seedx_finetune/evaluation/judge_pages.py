"""Training pages of the judge: rendered scenes, damaged as a small auto-encoder would, and things that aren't things.

The judge looks at images that a model drew. So its training pages are blurred, warped, noisy and smudged, and
carry half-drawn things, mixtures of two kinds and plain blobs that must not count.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from seedx_finetune.evaluation.judge import GRID, PAGE_PX
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS, PAIRS, Box, Pair, Scene, Thing, place, render

_RESAMPLINGS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX)


@dataclass(frozen=True, slots=True)
class Example:
    """One page and what the judge shall see on it."""

    image: Image.Image
    background: str
    things: tuple[Thing, ...]
    second_colors: tuple[str, ...]
    """For each thing the color of its other half: the same color except on two-colored things."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pages and targets: B pages, T things in all, T things' cells as index arrays."""

    pages: Tensor
    """(B, 3, 128, 128) float 0..1."""
    heat: Tensor
    """(B, GRID, GRID) 0..1, exactly 1 in the cells that hold a middle."""
    page: Tensor
    """(C,) the page of each supervised cell."""
    row: Tensor
    """(C,) its row."""
    column: Tensor
    """(C,) its column."""
    kind: Tensor
    """(C,) kind index."""
    color: Tensor
    """(C, 8) color probabilities."""
    box: Tensor
    """(C, 4) offsets in cells, log width, log height."""
    background: Tensor
    """(B,) background index."""


def sample_example(rng: np.random.Generator) -> Example:
    """Return one page with 0 to 6 things, and on every third page things that must not count."""
    count = int(rng.choice(7, p=[0.04, 0.2, 0.24, 0.2, 0.16, 0.09, 0.07]))
    num_junk = int(rng.integers(1, 3)) if rng.random() < 0.4 else 0
    num_junk = min(num_junk, 6 - count)
    background = str(rng.choice(tuple(BACKGROUNDS)))
    contents = _contents(rng, count + num_junk)
    scene = place(rng, contents, background=background) if contents else Scene(background, ())
    scene = replace(scene, things=tuple(_resized(rng, thing) for thing in scene.things))
    good, junk = scene.things[:count], scene.things[count:]
    image = render(Scene(background, good))
    kept, second = list(good), [thing.color for thing in good]
    for thing in junk:
        spoil = _SPOILS[int(rng.choice(len(_SPOILS), p=_SPOIL_CHANCES))]
        other = spoil(rng, image, background, thing)
        if other is not None:
            kept.append(thing)
            second.append(other)
    return Example(image, background, tuple(kept), tuple(second))


def spoiled(background: str, thing: Thing, rng: np.random.Generator) -> Image.Image:
    """Return a page with one thing that must not count: mixed with another kind, half erased, smudged, or a blob."""
    page = render(Scene(background, ()))
    _SPOILS[int(rng.choice(len(_SPOILS) - 1))](rng, page, background, thing)
    return page


def degrade(image: Image.Image, rng: np.random.Generator, strength: float = 1.0) -> Image.Image:
    """Return the image with the losses of a small auto-encoder: blur, down-scaling, JPEG.

    Args:
        image: RGB.
        rng: The only source of randomness.
        strength: 1 is what the judge is trained on; 0.5 is mild (still pleasant to look at).
    """
    if rng.random() < 0.45:
        factor = 1 + strength * float(rng.uniform(0.3, 2.0))
        down, up = (_RESAMPLINGS[int(i)] for i in rng.integers(len(_RESAMPLINGS), size=2))
        small = image.resize((round(image.width / factor), round(image.height / factor)), down)
        image = small.resize(image.size, Image.Resampling.BILINEAR if up == Image.Resampling.BOX else up)
    if rng.random() < 0.45:
        image = image.filter(ImageFilter.GaussianBlur(strength * float(rng.uniform(0.3, 1.7))))
    if rng.random() < 0.35:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(round(90 - 70 * strength), 91)))
        image = Image.open(buffer).convert("RGB")
    return image


def make_batch(rng: np.random.Generator, size: int) -> Batch:
    """Return `size` pages with everything that training asks for, the same for the same state of `rng`."""
    examples = [sample_example(rng) for _ in range(size)]
    images = [e.image if rng.random() < 0.2 else degrade(e.image, rng) for e in examples]
    pages = torch.from_numpy(np.stack([np.asarray(p) for p in images])).permute(0, 3, 1, 2).float() / 255
    matrices = _warps(rng, size)
    pages = _shake(rng, pages, matrices)
    heat = np.zeros((size, GRID, GRID), np.float32)
    cells: list[tuple[int, int, int]] = []
    kinds: list[int] = []
    colors: list[list[float]] = []
    boxes: list[tuple[float, float, float, float]] = []
    ys, xs = np.mgrid[0:GRID, 0:GRID] + 0.5
    for i, example in enumerate(examples):
        for thing, second in zip(example.things, example.second_colors, strict=True):
            x0, y0, x1, y1 = (c * GRID for c in _warped_box(thing.box, matrices[i]))
            cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
            sigma = 0.45 + 0.06 * min(w, h)
            distance = (xs - cx) ** 2 + (ys - cy) ** 2
            heat[i] = np.maximum(heat[i], np.exp(-distance / (2 * sigma**2)))
            own = min(max(int(cy), 0), GRID - 1), min(max(int(cx), 0), GRID - 1)
            heat[i][own] = 1
            near = {own, *((int(r), int(c)) for r, c in np.argwhere(distance < 0.8))}
            soft = [0.5 * (name == thing.color) + 0.5 * (name == second) for name in COLORS]
            for r, c in sorted(near):
                cells.append((i, r, c))
                kinds.append(KINDS.index(thing.kind))
                colors.append(soft)
                boxes.append((cx - c - 0.5, cy - r - 0.5, float(np.log(w / GRID)), float(np.log(h / GRID))))
    index = torch.tensor(cells, dtype=torch.long).reshape(-1, 3)
    return Batch(
        pages=pages,
        heat=torch.from_numpy(heat),
        page=index[:, 0],
        row=index[:, 1],
        column=index[:, 2],
        kind=torch.tensor(kinds, dtype=torch.long),
        color=torch.tensor(colors, dtype=torch.float32).reshape(-1, len(COLORS)),
        box=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        background=torch.tensor([tuple(BACKGROUNDS).index(e.background) for e in examples]),
    )


def _contents(rng: np.random.Generator, count: int) -> list[Pair]:
    """Equal things, one kind in many colors, one color in many kinds, or all sorts."""
    if count == 0:
        return []
    first = PAIRS[int(rng.integers(len(PAIRS)))]
    mode = rng.random()
    pool = [
        pair
        for pair in PAIRS
        if mode >= 0.5 or (pair == first if mode < 0.25 else pair[1] == first[1] if mode < 0.4 else pair[0] == first[0])
    ]
    return [first] + [pool[int(rng.integers(len(pool)))] for _ in range(count - 1)]


def _resized(rng: np.random.Generator, thing: Thing) -> Thing:
    """Return the thing a little smaller than the world draws it, around the same middle."""
    factor = float(rng.uniform(0.8, 1.0)) if rng.random() < 0.4 else 1.0
    (cx, cy), (x0, y0, x1, y1) = thing.center, thing.box
    w, h = (x1 - x0) * factor / 2, (y1 - y0) * factor / 2
    return replace(thing, box=(cx - w, cy - h, cx + w, cy + h))


def _crop_px(box: Box) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box
    side = PAGE_PX
    return (
        max(int(x0 * side), 0),
        max(int(y0 * side), 0),
        min(int(np.ceil(x1 * side)), side),
        min(int(np.ceil(y1 * side)), side),
    )


def _alone(background: str, thing: Thing) -> Image.Image:
    """Return the part of a page with only this thing that its box covers."""
    return render(Scene(background, (thing,))).crop(_crop_px(thing.box))


def _another(rng: np.random.Generator, thing: Thing, *, same_kind: bool) -> Thing:
    """Return a thing of another kind (any color) or of another color in the same box."""
    options = [p for p in PAIRS if (p[1] == thing.kind and p[0] != thing.color if same_kind else p[1] != thing.kind)]
    color, kind = options[int(rng.integers(len(options)))]
    return replace(thing, color=color, kind=kind)


def _halves(rng: np.random.Generator, a: Image.Image, b: Image.Image, low: float, high: float) -> Image.Image:
    """Return `a` with one side of it, between these shares of its area, taken from `b`."""
    out = a.copy()
    share = float(rng.uniform(low, high))
    width, height = a.size
    side = int(rng.integers(4))
    boxes = (
        (0, 0, round(width * share), height),
        (round(width * (1 - share)), 0, width, height),
        (0, 0, width, round(height * share)),
        (0, round(height * (1 - share)), width, height),
    )
    out.paste(b.crop(boxes[side]), boxes[side][:2])
    return out


Spoil = Callable[[np.random.Generator, Image.Image, str, Thing], str | None]
"""Draws a spoiled thing on the page; returns its second color where it still counts as a thing of its kind."""


def _spoil_blend(rng: np.random.Generator, page: Image.Image, background: str, thing: Thing) -> None:
    other = _alone(background, _another(rng, thing, same_kind=False))
    mixed = Image.blend(_alone(background, thing), other, float(rng.uniform(0.4, 0.6)))
    page.paste(mixed, _crop_px(thing.box)[:2])


def _spoil_halves(rng: np.random.Generator, page: Image.Image, background: str, thing: Thing) -> None:
    other = _alone(background, _another(rng, thing, same_kind=False))
    page.paste(_halves(rng, _alone(background, thing), other, 0.42, 0.58), _crop_px(thing.box)[:2])


def _spoil_part(rng: np.random.Generator, page: Image.Image, background: str, thing: Thing) -> None:
    empty = render(Scene(background, ())).crop(_crop_px(thing.box))
    page.paste(_halves(rng, _alone(background, thing), empty, 0.5, 0.8), _crop_px(thing.box)[:2])


def _spoil_smudge(rng: np.random.Generator, page: Image.Image, background: str, thing: Thing) -> None:
    crop = _crop_px(thing.box)
    sigma = float(rng.uniform(0.13, 0.22)) * min(crop[2] - crop[0], crop[3] - crop[1])
    blurred = render(Scene(background, (thing,))).filter(ImageFilter.GaussianBlur(sigma)).crop(crop)
    page.paste(blurred, crop[:2])


def _spoil_blob(rng: np.random.Generator, page: Image.Image, _background: str, thing: Thing) -> None:
    x0, y0, x1, y1 = _crop_px(thing.box)
    corners = int(rng.integers(5, 11))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(0.45, 1.0, corners) / 2
    points = [
        ((x0 + x1) / 2 + float(np.cos(a) * r) * (x1 - x0), (y0 + y1) / 2 + float(np.sin(a) * r) * (y1 - y0))
        for a, r in zip(angles, radii, strict=True)
    ]
    draw = ImageDraw.Draw(page)
    draw.polygon(points, fill=COLORS[thing.color])
    if rng.random() < 0.6:
        draw.line([*points, points[0]], fill=(44, 38, 50), width=int(rng.integers(1, 3)))
    for _ in range(int(rng.integers(0, 4))):
        x, y, r = float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)), float(rng.uniform(1, 4))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=((44, 38, 50), (253, 249, 240))[int(rng.integers(2))])


def _spoil_two_colors(rng: np.random.Generator, page: Image.Image, background: str, thing: Thing) -> str:
    other = _another(rng, thing, same_kind=True)
    page.paste(_halves(rng, _alone(background, thing), _alone(background, other), 0.45, 0.55), _crop_px(thing.box)[:2])
    return other.color


_SPOILS: tuple[Spoil, ...] = (
    _spoil_blend,
    _spoil_halves,
    _spoil_part,
    _spoil_smudge,
    _spoil_blob,
    _spoil_two_colors,
)
_SPOIL_CHANCES = (0.2, 0.2, 0.2, 0.15, 0.15, 0.1)


def _warps(rng: np.random.Generator, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(B, 4): scale and shift that take the warped page back to the drawn one, per axis, in -1..1 coordinates."""
    scale = rng.uniform(0.92, 1.1, (size, 2))
    shift = rng.uniform(-0.06, 0.06, (size, 2))
    same = rng.random(size) < 0.4
    scale[same], shift[same] = 1, 0
    return np.concatenate([scale, shift], axis=1)


def _warped_box(box: Box, warp: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Box:
    """Return where a box of the drawn page lies on the warped page (the small waves are left out)."""
    (sx, sy), (tx, ty) = warp[:2], warp[2:]

    def back(value: float, scale: float, shift: float) -> float:
        return float(((value * 2 - 1 - shift) / scale + 1) / 2)

    return back(box[0], sx, tx), back(box[1], sy, ty), back(box[2], sx, tx), back(box[3], sy, ty)


def _shake(rng: np.random.Generator, pages: Tensor, warps: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
    """Return the batch scaled, shifted and waved, with tinted light, blotches and noise, clamped to 0..1."""
    size = len(pages)
    axis = (torch.arange(PAGE_PX) + 0.5) / PAGE_PX * 2 - 1
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).expand(size, -1, -1, -1)
    warp = torch.from_numpy(warps).float().view(size, 1, 1, 4)
    waves = _smooth(rng, size, 2, 7).permute(0, 2, 3, 1) * torch.from_numpy(_some(rng, size, 0.5, 0.02))
    pages = F.grid_sample(
        pages, grid * warp[..., :2] + warp[..., 2:] + waves, padding_mode="border", align_corners=False
    )
    gain = torch.from_numpy(rng.normal(1, 0.035, (size, 3, 1, 1))).float()
    offset = torch.from_numpy(rng.normal(0, 0.025, (size, 3, 1, 1))).float()
    blotches = _smooth(rng, size, 3, 12) * torch.from_numpy(_some(rng, size, 0.5, 0.05))
    noise = torch.from_numpy(rng.standard_normal((size, 3, PAGE_PX, PAGE_PX), dtype=np.float32))
    noise = noise * torch.from_numpy(_some(rng, size, 0.4, 0.06))
    return (pages * gain + offset + blotches + noise).clamp(0, 1)


def _smooth(rng: np.random.Generator, size: int, channels: int, cells: int) -> Tensor:
    """(B, channels, 128, 128) of smooth random values around 0 with bumps of 128 / cells pixels."""
    coarse = torch.from_numpy(rng.standard_normal((size, channels, cells, cells), dtype=np.float32))
    return F.interpolate(coarse, (PAGE_PX, PAGE_PX), mode="bicubic", align_corners=False)


def _some(
    rng: np.random.Generator, size: int, share: float, most: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(B, 1, 1, 1): a strength up to `most` for this fraction of the pages, 0 for the others."""
    strength = rng.uniform(0, most, size) * (rng.random(size) < share)
    return strength.astype(np.float32).reshape(size, 1, 1, 1)
