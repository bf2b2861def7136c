"""Where training starts: initial weights that already know what is near what."""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from seedx_sdk.model.denoising import predict, size_ids
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.resampler import Resampler


@torch.no_grad()
def look_at_own_place(resampler: Resampler, *, drop: float = 3.0, shared: int = 0) -> None:
    """Starts a resampler so that every query looks at the keys near its own place on the grid.

    The fast waves of the sin-cos tables tell neighbours apart. Query and key projections start by reading these alone,
    and the content of the keys starts small there. From a random start a resampler needs hundreds of updates before it
    finds this.

    Args:
        resampler: Changed in place.
        drop: How much smaller the logit of the next key is, at the distance of two queries.
        shared: So many heads do not look at their query's own place: with `shared` consecutive queries to average, the
            first of them looks at the place of the first, and so on, in all of these queries. What they read is
            the same in all, so that the average keeps the places apart.
    """
    attention = resampler.attn
    dim, heads = attention.out_proj.in_features, attention.num_heads
    width, table = dim // heads, resampler.pos_embed
    waves = torch.arange(width // 4)
    address = torch.cat([waves + quarter * dim // 4 for quarter in range(4)])  # sin and cos of columns, then of rows
    gap = float((table[0, address] - table[1, address]).square().sum() / 2)
    scale = (drop * width**0.5 / gap) ** 0.5
    query, key, _ = attention.in_proj_weight.chunk(3)
    query.mul_(0.1)
    key.mul_(0.1)
    resampler.ln_kv.weight[address] = 0.1
    resampler.ln_q.weight.fill_(0.1)
    rest = torch.tensor(sorted(set(range(dim)) - set(address.tolist())))
    wanted = torch.zeros_like(table)
    first = torch.arange(len(table)) // max(shared, 1) * shared
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        key[part, address] += scale * torch.eye(width)
        place = head - (heads - shared)
        if place < 0:
            query[part, address] += scale * torch.eye(width)
            continue
        # The place to look at is written into dimensions of the query that no other head reads.
        own = rest[place * width : (place + 1) * width]
        query[part] = 0
        query[part, own] = scale * torch.eye(width)
        wanted[:, own] = table[first + place][:, address] - table[:, own]
    if shared:
        resampler.query.copy_(wanted)
        resampler.ln_q.weight.fill_(float(wanted.std(dim=1).mean()))
        resampler.ln_q.bias.fill_(float(wanted.mean()))


def smooth_rows(x: Tensor, width: int) -> Tensor:
    """Returns smooth random functions of x in 0..1, (len(x), width) with standard deviation about 0.04."""
    frequencies = torch.pi * torch.arange(0, 12)
    waves = torch.cat([(x[:, None] * frequencies).cos(), (x[:, None] * frequencies[1:]).sin()], dim=1)
    rows: Tensor = 0.04 * waves @ torch.randn(waves.shape[1], width) / (waves.shape[1] / 2) ** 0.5
    return rows


@torch.no_grad()
def copy_own_feature(resampler: DetokenizerResampler, features: Tensor, *, sharpness: float = 12.0) -> None:
    """Starts the de-tokenizer's resampler so that each token of its output carries the image feature of its place.

    A diffusion model finds out where things belong only after its condition tokens differ by place; from a random
    start every latent attends to all features alike, and the U-Net learns backgrounds for thousands of updates before
    it places a thing. Here the directions that tell one place from another (Fisher's linear discriminant of the
    features) become the address by which latent j finds feature j, and the principal directions of what is left are
    copied as its content. Only the first layer is set; everything stays trainable.

    Args:
        resampler: With as many latents as there are features, or several consecutive ones for each feature, which
            start apart by a random code.
        features: (B, N, K) of many pictures, B well above K / N.
        sharpness: Logit that a latent gives to its own feature beyond others.
    """
    mean = features.mean(0)  # (N, K)
    within = (features - mean).flatten(0, 1)
    covariance = within.T @ within / len(within)
    values, vectors = torch.linalg.eigh(covariance + 1e-4 * torch.eye(len(covariance)))
    whiten = vectors * values.rsqrt()  # (K, K)
    spread = (mean - mean.mean(0)) @ whiten
    num_address = min(len(mean) - 1, resampler.proj_in.out_features // 3)
    address = whiten @ torch.linalg.svd(spread, full_matrices=False).Vh[:num_address].T  # (K, A)
    num_content = resampler.proj_in.out_features - num_address
    content = vectors[:, -num_content:] / values[-num_content:].mean().sqrt()  # (K, C)
    scale = ((mean - mean.mean(0)) @ address).std()
    resampler.proj_in.weight.copy_(torch.cat([address / scale, content], dim=1).T)
    resampler.proj_in.bias.copy_(-mean.mean(0) @ resampler.proj_in.weight.T)
    codes = (mean - mean.mean(0)) @ address / scale  # (N, A)
    each = resampler.latents.shape[1] // len(mean)
    resampler.latents.zero_()
    resampler.latents[0, :, :num_address] = codes.repeat_interleave(each, 0)
    if each > 1:
        resampler.latents[0, :, num_address:] = torch.randn(each, num_content).repeat(len(mean), 1)

    attention: Any = resampler.layers[0][0]  # type: ignore[index]  # each entry is a pair of modules
    inner = attention.to_q.out_features
    mix = torch.linalg.qr(torch.randn(inner, inner)).Q[:, :num_address]
    for projection in (attention.to_q.weight, attention.to_kv.weight[:inner]):
        projection.zero_()
        projection[:, :num_address] = mix
    # One channel tells features (keys to look at) from latents (which are keys as well, but hold nothing yet).
    mark = torch.full((inner,), 1.5 * (sharpness / inner) ** 0.5)
    attention.norm1.bias[-1], attention.norm2.bias[-1] = 4.0, -4.0
    x = attention.norm1(resampler.proj_in(features[:64]))
    z = attention.norm2(resampler.latents)
    q, k = (z @ attention.to_q.weight.T)[0], x @ attention.to_kv.weight[:inner].T
    logits = (q @ k.transpose(1, 2)).mean(0) / attention.heads / (inner // attention.heads) ** 0.5
    is_own = torch.eye(len(mean)).repeat_interleave(each, 0).bool()
    own = logits[is_own].mean() - logits[~is_own].mean()
    factor = (sharpness / own).sqrt()
    attention.to_q.weight.mul_(factor)
    attention.to_kv.weight[:inner].mul_(factor)
    attention.to_q.weight[:, -1] = -mark
    attention.to_kv.weight[:inner, -1] = mark
    value = attention.to_kv.weight[inner:]
    value.zero_()
    attention.to_out.weight.zero_()
    count = min(inner, num_content - 1)
    for i in range(count):
        value[i, num_address + i] = 1.0
        attention.to_out.weight[num_address + i, i] = 1.0


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
    """Sets the U-Net's cross-attention so that a place on the canvas reads the tokens of the same place.

    The U-Net reads where it is, and a token knows where it came from; but only a long training makes the two meet.
    Both are linear in what the attention sees, so the projections that bring them together are found by ridge
    regression on the activations of a few pictures.

    Args:
        unet: Changed in place: `to_q` and `to_k` of every cross-attention.
        resampler: Makes the tokens; token j belongs to cell j of a `side` x `side` raster.
        scheduler: Noise schedule; the activations are those of almost pure noise.
        latents: (B, C, H, W) scaled.
        features: (B, N, K) of the same pictures.
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
    """Returns the (D, E) map from (B, N, D) activations to (N, E) codes, the same for all pictures."""
    flat, target = x.flatten(0, 1), y.repeat(len(x), 1)
    gram = flat.T @ flat
    weights: Tensor = torch.linalg.solve(gram + 1e-3 * gram.diagonal().mean() * torch.eye(len(gram)), flat.T @ target)
    return weights
