"""Cases of the visual encoder, the resampler, the any-resolution grid and the image transforms."""

from __future__ import annotations

import torch
from parity_case import Report, known_fields
from PIL import Image
from torch import Tensor

from seedx_sdk.model.anyres import split_image
from seedx_sdk.model.config import ResamplerConfig, VisualEncoderConfig
from seedx_sdk.model.grids import choose_grid, grid_by_aspect, grid_by_pixels, parse_grid, patch_positions
from seedx_sdk.model.resampler import Resampler, sincos_table
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.model.visual_encoder import VisualEncoder


def image(raw: Tensor) -> Image.Image:
    """Return the stored uint8 (height, width, 3) tensor as an image."""
    return Image.fromarray(raw.numpy())


def resampler(config: dict[str, object]) -> Resampler:
    """Build a resampler from a case's constructor arguments."""
    return Resampler(ResamplerConfig.from_dict({k: v for k, v in config.items() if k != "class"}))


def visual_encoder(config: dict[str, int]) -> VisualEncoder:
    """Build the visual encoder from a case's constructor arguments."""
    optional = {"layer_norm_eps": "layer_norm_eps", "num_positions": "positional_embedding_rows"}
    names = ("image_size", "patch_size", "width", "layers", "heads", "mlp_ratio", "n_queries", "output_dim")
    values = {name: config[name] for name in names}
    values |= {ours: config[theirs] for ours, theirs in optional.items() if theirs in config}
    pool_heads = config.get("attn_pool_heads", config["output_dim"] // 128)
    return VisualEncoder(VisualEncoderConfig.from_dict({**values, "pool_heads": pool_heads})).eval()


def run_vit(report: Report) -> None:
    case = report.case
    model = visual_encoder(case.config)
    model.load_state_dict(case.weights())
    pixels = case.input("pixel_values")
    if "n_patches" in case.config:
        report.check("n_patches", model.patch_features(pixels).shape[1], case.config["n_patches"])
    transform = ImageTransform("clip", case.config["image_size"])
    for index in range(pixels.shape[0]):
        if case.has_input(f"image_raw_{index}"):
            ours = transform(image(case.input(f"image_raw_{index}")))
            report.check(f"pixel_values {index}", bool((ours - pixels[index]).abs().max() <= 1e-5), True)
    blocks = model.patch_features(pixels)
    if report.expects("after_blocks"):
        report.close("after_blocks", blocks)
    if report.expects("after_attn_pool"):
        report.close("after_attn_pool", model.attn_pool(blocks))
    report.close("embeds", model(pixels))
    if report.expects("embeds_of_zero_image"):
        report.close("embeds_of_zero_image", model(torch.zeros_like(pixels[:1])))


def run_resampler(report: Report) -> None:
    case = report.case
    model = resampler(case.config)
    weights = case.weights()
    table = sincos_table(case.config["grid_size"], case.config["embed_dim"])
    report.check("pos_embed", bool((table - weights["pos_embed"]).abs().max() <= 1e-5), True)
    model.load_state_dict(weights)
    report.close("y", model(case.input("x")))


def run_anyres_table(report: Report) -> None:
    grids, side = report.case.config["grids"], report.case.config["base_resolution"]
    cells = [parse_grid(name) for name in grids]
    if "pinpoints_wh" in report.case.config:
        report.check("pinpoints_wh", [[c * side, r * side] for c, r in cells], report.case.config["pinpoints_wh"])
    for row in report.rows():
        size = (row["size_wh"][0], row["size_wh"][1])
        chosen = choose_grid(size, grids, side)
        positions = patch_positions(*chosen)
        ours = {
            "size_wh": list(size),
            "by_effective_resolution": [part * side for part in grid_by_pixels(size, cells, side)],
            "by_aspect_ratio": [part * side for part in grid_by_aspect(size, cells, side)],
            "chosen_wh": [part * side for part in chosen],
            "n_images_incl_global": len(positions),
        }
        known_fields(row, {*ours, "patch_positions_xy"}, report)
        for name, value in ours.items():
            if name in row:
                report.check(f"{size} {name}", value, row[name])
        if row.get("patch_positions_xy") is not None:  # null where the image was too large to split
            expected = [tuple(pair) for pair in row["patch_positions_xy"]]
            report.check(f"{size} positions", [(round(x, 6), round(y, 6)) for x, y in positions],
                         [(round(x, 6), round(y, 6)) for x, y in expected])  # fmt: skip


def run_anyres_image(report: Report) -> None:
    config = report.case.config
    kind = config["transform"]
    transform = ImageTransform(kind["type"], kind["image_size"], keep_ratio=kind["keep_ratio"])
    ours = split_image(image(report.case.input("image_raw")), config["grids"], config["base_resolution"], transform)
    report.close("images", ours.images)
    report.close("patch_positions", ours.positions)


def run_transforms(report: Report) -> None:
    raw, size = image(report.case.input("image_raw")), report.case.config["image_size"]
    for kind in ("clip", "clipa", "clipb", "sd"):
        for keep in (False, True):
            name = f"{kind}_keep{int(keep)}"
            if report.expects(name):
                report.close(name, ImageTransform(kind, size, keep_ratio=keep)(raw))


KINDS = {
    "vit": run_vit,
    "resampler_in": run_resampler,
    "resampler_out": run_resampler,
    "resampler_same": run_resampler,
    "anyres_table": run_anyres_table,
    "anyres_image": run_anyres_image,
    "transforms": run_transforms,
}
