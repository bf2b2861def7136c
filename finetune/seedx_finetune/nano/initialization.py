"""Where training starts: initial weights that already know what is near what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from seedx_finetune.training.losses import predict
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import POOL, pool_features
from seedx_sdk.model.resampler import Resampler, resize_square_table
from seedx_sdk.model.unet import size_ids

_NUM_ADDRESS = 15
"""Directions that tell places apart; the places of features are written along so many at most."""


_LOUD = 6.0
"""Length at which a token of the de-tokenizer tells its column and its row: about that of a kind or a color."""


@torch.no_grad()
def look_at(resampler: Resampler, places: Tensor, *, step: float = 0.0, drop: float = 4.0) -> None:
    """Start a resampler with as many keys as queries so that every query looks at the key at a place.

    The fast waves of the sin-cos tables tell neighbors apart. Query and key projections start by reading these alone,
    and the content of the keys starts small there. From a random start a resampler needs hundreds of updates before it
    finds this.

    Args:
        resampler: Changed in place.
        places: (Q, 2) column and row of the key that each query looks at.
        step: Head h looks h times so many columns farther to the right.
        drop: How much smaller the logit of the next key is.
    """
    attention = resampler.attn
    dim, heads = attention.out_proj.in_features, attention.num_heads
    width, table = dim // heads, resampler.pos_embed
    count = width // 4
    waves = torch.arange(count)
    address = torch.cat([waves + quarter * dim // 4 for quarter in range(4)])  # sin and cos of columns, then of rows
    omega = 10000.0 ** (-waves / (dim // 4))  # as in `sincos_table`
    angles = places[:, :, None] * omega
    rest = torch.tensor(sorted(set(range(dim)) - set(address.tolist())))
    _write_queries(resampler, torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1), address, rest)
    if isinstance(resampler.kv_proj, torch.nn.Linear):
        resampler.kv_proj.weight[address] = 0
    else:
        resampler.ln_kv.weight[address] = 0.1
    gap = float((table[0, address] - table[1, address]).square().sum() / 2)
    scale = (drop * width**0.5 / gap) ** 0.5
    query, key, _ = attention.in_proj_weight.chunk(3)
    query.zero_()
    key.mul_(0.1)
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        key[part, address] = scale * torch.eye(width)
        turn = torch.eye(width)
        cos, sin = (head * step * omega).cos().diag(), (head * step * omega).sin().diag()
        turn[:count, :count], turn[:count, count : 2 * count] = cos, sin
        turn[count : 2 * count, :count], turn[count : 2 * count, count : 2 * count] = -sin, cos
        query[part, address] = scale * turn


@torch.no_grad()
def look_at_own_feature(resampler: Resampler, features: Tensor, *, drop: float = 20.0) -> None:
    """Start a resampler so that query k looks at feature k, by what the features say of their own place.

    Args:
        resampler: Changed in place.
        features: (B, Q, K) of many pages; the resampler reads each `POOL` times in a row.
        drop: How much smaller the mean logit of other features is.
    """
    attention = resampler.attn
    dim, heads = attention.out_proj.in_features, attention.num_heads
    repeated = resampler.ln_kv(features.repeat_interleave(POOL, dim=1))
    keys = repeated + resize_square_table(resampler.pos_embed, repeated.shape[1])
    address, codes = fisher_address(pool_features(keys), dim // heads - 1)
    count = codes.shape[1]
    first, rest = torch.arange(count), torch.arange(count, dim)
    _write_queries(resampler, codes, first, rest)
    likeness = codes @ codes.T
    own = likeness.diagonal().mean() - likeness.mean()
    scale = (drop * (dim // heads) ** 0.5 / own) ** 0.5
    mix = torch.linalg.qr(torch.randn(dim // heads, dim // heads)).Q[:, :count]
    query, key, _ = attention.in_proj_weight.chunk(3)
    query.zero_()
    query[:, first] = scale * mix.repeat(heads, 1)
    key.copy_(scale * (mix @ address.T).repeat(heads, 1))


@torch.no_grad()
def read_as_words(resampler: Resampler, features: Tensor, words: Mapping[int, Tensor]) -> None:
    """Start what a resampler says so that a feature reads as the sum of the words for what it holds.

    A language model that can copy words then can copy what it sees; and a color seen is the color named.

    Args:
        resampler: Changed in place; it must already look at one feature with each query.
        features: (B, Q, K) of many pages.
        words: The word embedding (D,) for dimensions of the features; 0 for what needs no word. Other dimensions get
            random directions as loud as a word together.
    """
    attention = resampler.attn
    dim = attention.out_proj.in_features
    shown = resampler.ln_kv(features).flatten(0, 1)
    said = torch.zeros(dim, dim)
    named = torch.tensor(sorted(words))
    for d, row in words.items():
        said[d] = row / (shown[:, d].max() - shown[:, d].min())
    others = torch.ones(dim, dtype=torch.bool)
    others[named] = False
    loud = torch.stack([row.norm() for row in words.values() if row.any()]).mean()
    said[others] = loud / (dim * shown[:, others].square().sum(1).mean()) ** 0.5 * torch.randn(int(others.sum()), dim)
    attention.in_proj_weight[2 * dim :] = torch.eye(dim)
    attention.in_proj_bias[2 * dim :] = 0
    attention.out_proj.weight.copy_(said.T)
    attention.out_proj.bias.zero_()


def _write_queries(resampler: Resampler, wanted: Tensor, at: Tensor, rest: Tensor) -> None:
    """Set the learned queries so that queries with their positions are `wanted` (Q, len(at)) in some dimensions.

    The layer norm of the queries must not change what is written: the other dimensions even its sums out.
    """
    rows = torch.zeros_like(resampler.pos_embed)
    rows[:, at] = wanted - resampler.pos_embed[:, at]
    rows[:, rest] = -rows.sum(1, keepdim=True) / len(rest)
    missing = 1.1 * rows.square().sum(1).max() - rows.square().sum(1, keepdim=True)
    signs = torch.ones(len(rest) // 2 * 2)
    signs[1::2] = -1
    rows[:, rest[: len(signs)]] += (missing / len(signs)).sqrt() * signs
    resampler.query.copy_(rows)
    resampler.ln_q.weight.fill_(float(rows.square().mean().sqrt()))


def fisher_address(features: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Return the directions that tell one place from another (Fisher's linear discriminant), and each place's code.

    Args:
        features: (B, N, K) of many pages, B well above K / N.
        most: Largest number A of directions.

    Returns:
        (K, A) directions, and the (N, A) codes: the mean feature of each place less the mean of all, along them.
    """
    mean = features.mean(0)
    within = (features - mean).flatten(0, 1)
    values, vectors = torch.linalg.eigh(within.T @ within / len(within) + 1e-4 * torch.eye(within.shape[1]))
    whiten = vectors * values.rsqrt()
    spread = mean - mean.mean(0)
    directions = torch.linalg.svd(spread @ whiten, full_matrices=False).Vh[: min(len(mean) - 1, most)]
    address = whiten @ directions.T
    address = address / (spread @ address).std()
    return address, spread @ address


def raster(side: int) -> Tensor:
    """Return the (side * side, 2) columns and rows of the cells of a square."""
    cells = torch.arange(side * side)
    return torch.stack([cells % side, cells // side], dim=1).float()


def smooth_rows(x: Tensor, width: int) -> Tensor:
    """Return smooth random functions of x in 0..1, (len(x), width) with standard deviation about 0.04."""
    frequencies = torch.pi * torch.arange(0, 12)
    waves = torch.cat([(x[:, None] * frequencies).cos(), (x[:, None] * frequencies[1:]).sin()], dim=1)
    rows: Tensor = 0.04 * waves @ torch.randn(waves.shape[1], width) / (waves.shape[1] / 2) ** 0.5
    return rows


@torch.no_grad()
def read_what_covers(
    resampler: DetokenizerResampler,
    features: Tensor,
    *,
    cover: slice,
    thing: slice,
    page: slice,
    sharpness: float = 12.0,
) -> None:
    """Start the de-tokenizer's resampler so that each token carries the code of the thing that covers its place.

    A diffusion model finds out where things belong only after its condition tokens differ by place; from a random
    start every latent attends to all features alike, and the U-Net learns backgrounds for thousands of updates before
    it places a thing. Here a latent knows its column and its row, and looks for the feature whose thing covers both;
    where there is none it turns to the latents, which say nothing. Only the first layer is set; everything stays
    trainable.

    Args:
        resampler: With S * S latents in raster order and four heads: two read the thing, one is free, one reads the
            page.
        features: (B, N, K) of some pages.
        cover: The 2 S dimensions of a feature that say which columns and which rows its thing covers, -1 to 1.
        thing: Dimensions that are read from the covering feature.
        page: Dimensions that are read from the mean of all features.
        sharpness: Logit of a covered column, or row, over one that is not.
    """
    attention: Any = resampler.layers[0][0]  # type: ignore[index]  # each entry is a pair of modules
    heads, dim = attention.heads, resampler.proj_in.out_features
    inner = attention.to_q.out_features
    width, places = inner // heads, cover.stop - cover.start
    side, mark = places // 2, dim - 1  # the mark tells features from latents, both of which are keys
    resampler.proj_in.weight.zero_()
    resampler.proj_in.bias.zero_()
    used = [*range(thing.start, thing.stop), *range(page.start, page.stop)]
    at = {d: places + i for i, d in enumerate(used)}
    for d, row in at.items():
        resampler.proj_in.weight[row, d] = 1.0
    resampler.latents.zero_()
    resampler.latents[0, :, :side] = _LOUD * torch.eye(side).repeat(side, 1)
    resampler.latents[0, :, side:places] = _LOUD * torch.eye(side).repeat_interleave(side, 0)
    attention.norm1.weight[mark], attention.norm2.weight[mark] = 0, 0
    attention.norm1.bias[mark], attention.norm2.bias[mark] = 1.0, -1.0
    x, latents = attention.norm1(resampler.proj_in(features)), attention.norm2(resampler.latents)
    shown = x[..., [at[d] for d in range(cover.start, cover.stop)]]
    reach = float(latents[0, 0, 0] - latents[0, 0, 1]) * float(shown.max() - shown.min())
    to_q, to_k, to_v = attention.to_q.weight, attention.to_kv.weight[:inner], attention.to_kv.weight[inner:]
    for weight in (to_q, attention.to_kv.weight, attention.to_out.weight):
        weight.zero_()
    root, mix = width**0.25, torch.linalg.qr(torch.randn(width, width)).Q
    parts = [
        range(thing.start, thing.start + width),
        range(thing.start + width, thing.stop),
        (),
        range(page.start, page.stop),
    ]
    for head, part in enumerate(parts):
        rows = slice(head * width, (head + 1) * width)
        to_q[rows, mark] = root * mix[:, places]
        to_k[rows, mark] = root * mix[:, places]
        if head == heads - 1:
            to_k[rows, mark] *= -2 * sharpness  # all features alike, and no latent
        else:
            to_q[rows, :places] = root * (sharpness / reach) ** 0.5 * mix[:, :places]
            for place in range(places):
                to_k[rows, at[cover.start + place]] = root * (sharpness / reach) ** 0.5 * mix[:, place]
        for i, d in enumerate(part):
            to_v[head * width + i, at[d]] = 1.0
            attention.to_out.weight[at[d], head * width + i] = 1.0
    free = slice(2 * width, 3 * width)
    to_v[free] = torch.randn(width, dim) / dim**0.5
    for layer in list(resampler.layers)[1:]:
        layer[0].to_out.weight.zero_()  # type: ignore[index]  # further layers start by leaving the tokens alone
        layer[1][-1].weight.zero_()  # type: ignore[index]


@torch.no_grad()
def look_across_at_own_place(
    unet: UNet2DConditionModel,
    resampler: DetokenizerResampler,
    scheduler: DDPMScheduler,
    latents: Tensor,
    features: Tensor,
    *,
    side: int = 16,
    sharpness: float = 14.0,
) -> None:
    """Set the U-Net's cross-attention so that a place on the canvas reads the tokens of the same place.

    The U-Net reads where it is, and a token knows where it came from; but only a long training makes the two meet.
    Both are linear in what the attention sees, so the projections that bring them together are found by ridge
    regression on the activations of a few images.

    Args:
        unet: Changed in place: `to_q` and `to_k` of every cross-attention.
        resampler: Makes the tokens; token j belongs to cell j of a `side` x `side` raster.
        scheduler: Noise schedule; the activations are those of almost pure noise.
        latents: (B, C, H, W) scaled.
        features: (B, N, K) of the same images.
        side: Of the raster.
        sharpness: Logit of the own row and column over the others.
    """
    seen: dict[str, Tensor] = {}
    layers = {n: m for n, m in unet.named_modules() if n.endswith("attn2")}
    hooks = [
        m.to_q.register_forward_pre_hook(lambda _, x, n=n: seen.__setitem__(n, x[0].float())) for n, m in layers.items()
    ]
    times = torch.randint(700, 1000, (len(latents),))
    noisy = scheduler.add_noise(latents, torch.randn_like(latents), times)  # type: ignore[arg-type]
    pixels = 8 * latents.shape[-1]
    predict(unet, resampler, noisy, times, features, size_ids(pixels, pixels, len(latents)))
    for hook in hooks:
        hook.remove()
    tokens = resampler(features)[0]
    row, column = torch.eye(side).repeat_interleave(side, 0), torch.eye(side).repeat(side, 1)
    code = torch.cat([row, column], dim=1)  # (side * side, 2 * side)
    center = code.mean(0)
    key_map = _ridge(tokens, code - center)
    for name, attention in layers.items():
        canvas = math.isqrt(seen[name].shape[1])
        each = max(1, side // canvas)
        heights = torch.arange(canvas).repeat_interleave(canvas) * side // canvas
        across = torch.arange(canvas).repeat(canvas) * side // canvas
        width = attention.to_q.out_features // attention.heads
        factor = (sharpness * width**0.5) ** 0.5
        for head in range(attention.heads):
            # A cell of a coarse canvas covers several tokens: its heads share them out.
            down, right = divmod(head % each**2, each)
            own = (heights + down) * side + across + right
            query_map = _ridge(seen[name], code[own] - center)
            mix = torch.linalg.qr(torch.randn(width, width)).Q[:, : code.shape[1]]
            part = slice(head * width, (head + 1) * width)
            attention.to_q.weight[part] = factor * mix @ query_map.T
            attention.to_k.weight[part] = factor * mix @ key_map.T


def _ridge(x: Tensor, y: Tensor) -> Tensor:
    """Return the (D, E) map from (B, N, D) activations to (N, E) codes, the same for all images."""
    flat, target = x.flatten(0, 1), y.repeat(len(x), 1)
    gram = flat.T @ flat
    weights: Tensor = torch.linalg.solve(gram + 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)), flat.T @ target)
    return weights
