"""Writes the golden cases that the authors' code did not give: `python tests/parity/make_cases.py`.

What they hold is computed without our modules: images that are not square by diffusers' own SDXL pipelines, from the
authors' weights and conditions in sdxl_stage1_c and sdxl_stage2_c; networks whose LayerNorms see values so small that
their epsilon decides, in float64 from the formulas.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import diffusers  # noqa: E402
import torch  # noqa: E402
from diffusers import StableDiffusionXLInstructPix2PixPipeline, StableDiffusionXLPipeline  # noqa: E402
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402
from parity_case import Case, sha256  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

GOLDEN = HERE / "golden"
Weights = dict[str, Tensor]
SMALL = 1e-3
"""Standard deviation of what a LayerNorm reads: its variance is then of the order of an epsilon."""


def write(kind: str, name: str, note: str, config: dict[str, Any], plain: dict[str, Any], **tensors: Weights) -> None:
    """Write a case and its line of the manifest.

    Args:
        kind: A kind of run.py.
        name: Of the files.
        note: Who computed it.
        config: Constructor arguments.
        plain: Inputs that are no tensors.
        tensors: `weights`, `inputs` and `outputs` by name; weights are stored as they are.
    """
    stored = {f"{group}/{key}": value.contiguous() for group, named in tensors.items() for key, value in named.items()}
    save_file(stored, GOLDEN / f"{name}.safetensors")
    listed = {
        key: [str(value.dtype).removeprefix("torch."), list(value.shape)]
        for key, value in stored.items()
        if not key.startswith("weights/")
    }
    record = {
        "kind": kind,
        "name": name,
        "config": config,
        "inputs": plain,
        "outputs": {},
        "tensors": listed,
        "n_weight_tensors": len(stored) - len(listed),
        "note": note,
        "tolerance": {"atol": 2e-3, "rtol": 1e-3} if kind == "sdxl_size" else {"atol": 1e-4, "rtol": 1e-4},
        "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        "sha256_safetensors": sha256(GOLDEN / f"{name}.safetensors"),
    }
    (GOLDEN / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    manifest = json.loads((GOLDEN / "manifest.json").read_text(encoding="utf-8"))
    for path in (GOLDEN / f"{name}.json", GOLDEN / f"{name}.safetensors"):
        manifest[path.name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    text = json.dumps(dict(sorted(manifest.items())), indent=1)
    (GOLDEN / "manifest.json").write_text(text + "\n", encoding="utf-8")


# Images that are not square


def sdxl_size(name: str, weights_of: str, *, height: int, width: int) -> None:
    """Run diffusers' pipeline of the case's stage at another size.

    Args:
        name: Of the new case.
        weights_of: The authors' case whose weights and conditions it uses.
        height: In pixels.
        width: In pixels.
    """
    base = Case.load(GOLDEN / f"{weights_of}.json")
    channels = base.config.get("unet_conv_in_channels", base.config["unet"]["in_channels"])
    unet = UNet2DConditionModel(**{**base.config["unet"], "in_channels": channels}).eval()
    unet.load_state_dict(base.weights("adapter/unet."))
    vae = AutoencoderKL(**base.config["vae"]).eval()
    vae.load_state_dict(base.weights("vae/"))
    scheduler = dict(base.config["scheduler"])
    parts: dict[str, Any] = {
        "vae": vae,
        "unet": unet,
        "scheduler": getattr(diffusers, scheduler.pop("class"))(**scheduler),
        **dict.fromkeys(("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")),
    }
    generator = torch.Generator().manual_seed(5)
    factor = 2 ** (len(vae.config["block_out_channels"]) - 1)
    noise = torch.randn(1, vae.config["latent_channels"], height // factor, width // factor, generator=generator)
    inputs, options = {"gen_initial_noise": noise}, {}
    pipeline: Any = StableDiffusionXLPipeline(**parts, add_watermarker=False)
    if channels > vae.config["latent_channels"]:
        pipeline = StableDiffusionXLInstructPix2PixPipeline(**parts, add_watermarker=False)
        raw = torch.randint(0, 256, (7, 5, 3), dtype=torch.uint8, generator=generator)
        fitted = Image.fromarray(raw.numpy()).resize((width, height), Image.Resampling.BICUBIC)
        inputs["gen_condition_raw"] = raw
        options = {"image": fitted, "image_guidance_scale": base.inputs["gen_image_guidance_scale"]}
    pipeline.set_progress_bar_config(disable=True)
    seen: dict[str, Any] = {"latents": []}

    def on_unet(_module: Any, _args: Any, kwargs: dict[str, Any], _output: Any) -> None:
        seen["time_ids"] = kwargs["added_cond_kwargs"]["time_ids"]

    def step(*args: Any, **kwargs: Any) -> Any:
        result = take_step(*args, **kwargs)
        seen["latents"].append(result[0])
        return result

    unet.register_forward_hook(on_unet, with_kwargs=True)
    take_step, pipeline.scheduler.step = pipeline.scheduler.step, step
    with torch.no_grad():
        images = pipeline(
            prompt_embeds=base.tensors["outputs/gen_prompt_embeds"],
            negative_prompt_embeds=base.tensors["outputs/gen_negative_prompt_embeds"],
            pooled_prompt_embeds=base.tensors["outputs/gen_pooled"],
            negative_pooled_prompt_embeds=base.tensors["outputs/gen_negative_pooled"],
            height=height,
            width=width,
            num_inference_steps=base.inputs["gen_num_inference_steps"],
            guidance_scale=base.inputs["gen_guidance_scale"],
            latents=noise,
            output_type="pt",
            **options,
        ).images
    outputs = {"step_latents": torch.cat(seen["latents"]), "image_float01": images, "time_ids": seen["time_ids"]}
    note = f"diffusers' {type(pipeline).__name__} with the weights and conditions of {weights_of}"
    config = {"weights_of": weights_of}
    write("sdxl_size", name, note, config, {"height": height, "width": width}, inputs=inputs, outputs=outputs)


# LayerNorms whose epsilon decides


def random(*shape: int, scale: float = 1.0) -> Tensor:
    """Return float32 numbers of that standard deviation."""
    return torch.randn(*shape) * scale


def layer_norm(x: Tensor, w: Weights, name: str, eps: float) -> Tensor:
    """Return the normalized x of weight and bias `name`."""
    mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / (variance + eps).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]


def norm_weights(name: str, dim: int, scale: float = 1.0) -> Weights:
    """Return random weights of a LayerNorm."""
    return {f"{name}.weight": random(dim, scale=scale), f"{name}.bias": random(dim, scale=0.1 * scale)}


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Return attention of (B, Q, D) to (B, T, D) tokens, heads side by side."""
    q, k, v = (torch.unflatten(x, -1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(2)


def sincos(side: int, dim: int) -> Tensor:
    """Return the table of positions: first half of the channels for the column, second for the row."""
    rows = []
    for row in range(side):
        for column in range(side):
            half = [[p / 10000 ** (4 * i / dim) for i in range(dim // 4)] for p in (column, row)]
            rows.append([f(angle) for angles in half for f in (math.sin, math.cos) for angle in angles])
    return torch.tensor(rows)


def pool_weights(side: int, dim: int, kv_dim: int, out: float) -> Weights:
    """Return weights of a resampler that feeds its LayerNorms small values; `out` scales what it returns."""
    return {
        "query": random(side**2, dim, scale=SMALL),
        "pos_embed": sincos(side, dim),
        "kv_proj.weight": random(dim, kv_dim, scale=SMALL / math.sqrt(kv_dim)),
        **norm_weights("ln_q", dim),
        **norm_weights("ln_kv", dim),
        "attn.in_proj_weight": random(3 * dim, dim, scale=dim**-0.5),
        "attn.in_proj_bias": random(3 * dim, scale=0.1),
        "attn.out_proj.weight": random(dim, dim, scale=out * dim**-0.5),
        "attn.out_proj.bias": random(dim, scale=0.1 * out),
    }


def pool(x: Tensor, w: Weights, heads: int, eps: float) -> Tensor:
    """Return the resampled x (B, T, K) with as many tokens as the table has rows."""
    values = layer_norm(x @ w["kv_proj.weight"].T, w, "ln_kv", eps)
    queries = layer_norm(w["query"], w, "ln_q", eps) + w["pos_embed"]
    weight, bias = w["attn.in_proj_weight"].chunk(3), w["attn.in_proj_bias"].chunk(3)
    sources = (queries.expand(x.shape[0], -1, -1), values + w["pos_embed"], values)
    q, k, v = (source @ a.T + b for source, a, b in zip(sources, weight, bias, strict=True))
    return attend(q, k, v, heads) @ w["attn.out_proj.weight"].T + w["attn.out_proj.bias"]


def visual_encoder(w: Weights, pixels: Tensor, *, layers: int, heads: int, pool_heads: int, patch: int) -> Tensor:
    """Return the features of (B, 3, H, W) pixels; every epsilon is 1e-6."""
    eps = 1e-6
    x = F.conv2d(pixels, w["conv1.weight"], stride=patch).flatten(2).transpose(1, 2) + w["positional_embedding"]
    x = layer_norm(x, w, "ln_pre", eps)
    for i in range(layers):
        block = {k.removeprefix(f"transformer.resblocks.{i}."): v for k, v in w.items()}
        y = layer_norm(x, block, "ln_1", eps) @ block["attn.in_proj.weight"].T + block["attn.in_proj.bias"]
        q, k, v = (
            part.flatten(2) for part in torch.unflatten(y, -1, (heads, 3, -1)).unbind(-2)
        )  # q, k, v inside each head
        x = x + attend(q, k, v, heads) @ block["attn.out_proj.weight"].T + block["attn.out_proj.bias"]
        y = layer_norm(x, block, "ln_2", eps) @ block["mlp.c_fc.weight"].T + block["mlp.c_fc.bias"]
        x = x + F.gelu(y) @ block["mlp.c_proj.weight"].T + block["mlp.c_proj.bias"]
    x = pool(x, {k.removeprefix("attn_pool."): v for k, v in w.items()}, pool_heads, eps)
    return layer_norm(x, w, "ln_post", eps) @ w["proj"]


def visual_encoder_weights(*, width: int, layers: int, side: int, mlp: int, patch: int, output_dim: int) -> Weights:
    """Return weights with which every LayerNorm reads small values."""
    w = {
        "conv1.weight": random(width, 3, patch, patch, scale=SMALL / math.sqrt(3 * patch**2)),
        "positional_embedding": random(side**2, width, scale=SMALL),
        **norm_weights("ln_pre", width, SMALL),
        **norm_weights("ln_post", output_dim),
        "proj": random(output_dim, output_dim, scale=output_dim**-0.5),
        **{f"attn_pool.{k}": v for k, v in pool_weights(side, output_dim, width, SMALL).items()},
    }
    w["attn_pool.kv_proj.weight"] /= SMALL  # what it reads is small already
    for i in range(layers):
        block = {
            **norm_weights("ln_1", width),
            **norm_weights("ln_2", width),
            "attn.in_proj.weight": random(3 * width, width, scale=width**-0.5),
            "attn.in_proj.bias": random(3 * width, scale=0.1),
            "attn.out_proj.weight": random(width, width, scale=SMALL * width**-0.5),
            "attn.out_proj.bias": random(width, scale=0.1 * SMALL),
            "mlp.c_fc.weight": random(mlp, width, scale=width**-0.5),
            "mlp.c_fc.bias": random(mlp, scale=0.1),
            "mlp.c_proj.weight": random(width, mlp, scale=SMALL * mlp**-0.5),
            "mlp.c_proj.bias": random(width, scale=0.1 * SMALL),
        }
        w |= {f"transformer.resblocks.{i}.{k}": v for k, v in block.items()}
    return w


def detokenizer_resampler_weights(sizes: dict[str, int]) -> Weights:
    """Return weights with which every LayerNorm reads small values."""
    dim, inner, hidden = sizes["dim"], sizes["dim_head"] * sizes["heads"], sizes["dim"] * sizes["ff_mult"]
    w = {
        "latents": random(1, sizes["num_queries"], dim, scale=SMALL),
        "proj_in.weight": random(dim, sizes["embedding_dim"], scale=SMALL * sizes["embedding_dim"] ** -0.5),
        "proj_in.bias": random(dim, scale=0.1 * SMALL),
        **norm_weights("norm_out", dim),
    }
    for j in range(sizes["depth"]):
        layer = {
            **norm_weights("0.norm1", dim),
            **norm_weights("0.norm2", dim),
            "0.to_q.weight": random(inner, dim, scale=dim**-0.5),
            "0.to_kv.weight": random(2 * inner, dim, scale=dim**-0.5),
            "0.to_out.weight": random(dim, inner, scale=SMALL * inner**-0.5),
            **norm_weights("1.0", dim),
            "1.1.weight": random(hidden, dim, scale=dim**-0.5),
            "1.3.weight": random(dim, hidden, scale=SMALL * hidden**-0.5),
        }
        w |= {f"layers.{j}.{k}": v for k, v in layer.items()}
    outputs = {"unet_proj_1": sizes["output1_dim"], "unet_proj_2": sizes["output2_dim"]}
    pooled = {f"unet_attnpool.{k}": dim for k in ("q_proj", "k_proj", "v_proj")}
    for name, width in {**outputs, **pooled, "unet_attnpool.c_proj": sizes["output2_dim"]}.items():
        w |= {f"{name}.weight": random(width, dim, scale=dim**-0.5), f"{name}.bias": random(width, scale=0.1)}
    return w | {"unet_attnpool.positional_embedding": random(sizes["num_queries"] + 1, dim, scale=0.1)}


def detokenizer_resampler(w: Weights, x: Tensor, sizes: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Return prompt and pooled embeddings of features (B, N, D); every epsilon is 1e-5."""
    eps, heads = 1e-5, sizes["heads"]
    x = x @ w["proj_in.weight"].T + w["proj_in.bias"]
    z = w["latents"].expand(x.shape[0], -1, -1)
    for j in range(sizes["depth"]):
        layer = {k.removeprefix(f"layers.{j}."): v for k, v in w.items()}
        inner = layer_norm(z, layer, "0.norm2", eps)
        k, v = (torch.cat([layer_norm(x, layer, "0.norm1", eps), inner], 1) @ layer["0.to_kv.weight"].T).chunk(2, -1)
        z = z + attend(inner @ layer["0.to_q.weight"].T, k, v, heads) @ layer["0.to_out.weight"].T
        z = z + F.gelu(layer_norm(z, layer, "1.0", eps) @ layer["1.1.weight"].T) @ layer["1.3.weight"].T
    h = layer_norm(z, w, "norm_out", eps)

    def linear(y: Tensor, name: str) -> Tensor:
        return y @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    tokens = torch.cat([h.mean(1, keepdim=True), h], 1) + w["unet_attnpool.positional_embedding"]
    q, k, v = (linear(tokens, f"unet_attnpool.{name}") for name in ("q_proj", "k_proj", "v_proj"))
    pooled = linear(attend(q[:, :1], k, v, heads), "unet_attnpool.c_proj")[:, 0]
    return torch.cat([linear(h, "unet_proj_1"), linear(h, "unet_proj_2")], -1), pooled


def double(w: Weights) -> Weights:
    """Return the weights in float64."""
    return {name: value.double() for name, value in w.items()}


def epsilon_cases() -> None:
    """Write a case of each network; their configs name no epsilon, so that the defaults of ours count."""
    note = "float64 from the formulas; every LayerNorm reads values so small that its epsilon decides"
    torch.manual_seed(1)
    side, dim, kv_dim, heads = 3, 16, 12, 2
    w, x = pool_weights(side, dim, kv_dim, 1.0), random(2, side**2, kv_dim)
    pool_config = {"grid_size": side, "embed_dim": dim, "num_heads": heads, "kv_dim": kv_dim}
    y = pool(x.double(), double(w), heads, 1e-5).float()
    write("resampler_in", "resampler_in_eps", note, pool_config, {}, weights=w, inputs={"x": x}, outputs={"y": y})

    sizes = {"width": 16, "layers": 2, "patch": 4, "output_dim": 24}
    w = visual_encoder_weights(**sizes, side=4, mlp=32)
    pixels = random(2, 3, 16, 16)
    y = visual_encoder(double(w), pixels.double(), layers=2, heads=2, pool_heads=3, patch=4).float()
    config: dict[str, Any] = {"image_size": 16, "patch_size": 4, "width": 16, "layers": 2, "heads": 2, "mlp_ratio": 2.0}
    config |= {"n_queries": 16, "output_dim": 24, "attn_pool_heads": 3, "positional_embedding_rows": 16}
    write("vit", "vit_eps", note, config, {}, weights=w, inputs={"pixel_values": pixels}, outputs={"embeds": y})

    sizes = {"dim": 16, "depth": 2, "dim_head": 8, "heads": 2, "num_queries": 4, "embedding_dim": 12}
    sizes |= {"output1_dim": 8, "output2_dim": 12, "ff_mult": 2}
    w, x = detokenizer_resampler_weights(sizes), random(2, 9, 12)
    prompt, pooled = (y.float() for y in detokenizer_resampler(double(w), x.double(), sizes))
    outputs = {"prompt_embeds": prompt, "pooled_prompt_embeds": pooled}
    name = "detok_resampler_eps"
    write("detok_resampler", name, note, sizes, {}, weights=w, inputs={"image_embeds": x}, outputs=outputs)


def main() -> None:
    """Write all of them."""
    makers: list[Callable[[], None]] = [
        lambda: sdxl_size("sdxl_size_1", "sdxl_stage1_c", height=24, width=40),
        lambda: sdxl_size("sdxl_size_2", "sdxl_stage2_c", height=40, width=24),
        epsilon_cases,
    ]
    for make in makers:
        make()


if __name__ == "__main__":
    main()
