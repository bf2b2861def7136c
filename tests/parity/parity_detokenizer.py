"""Cases of the de-tokenizer: its resampler, and both stages of the diffusion pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils.torch_utils import randn_tensor
from parity_case import Case, Report
from parity_vision import image, visual_encoder
from torch import Tensor

from seedx_finetune.training.losses import predict
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.transforms import ImageTransform


def run_resampler(report: Report) -> None:
    model = _resampler(report.case.config)
    model.load_state_dict(report.case.weights())
    prompt_embeds, pooled = model(report.case.input("image_embeds"))
    report.close("prompt_embeds", prompt_embeds)
    report.close("pooled_prompt_embeds", pooled)


def run_stage1(report: Report) -> None:
    case = report.case
    pipeline = _pipeline(report)
    _compare_training(report, pipeline, case.input("train_noisy_latents"), None)
    trace = _generate(report, pipeline, condition=False)
    _compare_images(report, "gen", trace)
    _compare_common(report, pipeline)


def run_stage2(report: Report) -> None:
    case = report.case
    pipeline = _pipeline(report)
    noisy = case.input("train_noisy_latents_8ch")
    channels = pipeline.vae.config["latent_channels"]
    _compare_training(report, pipeline, noisy[:, :channels], noisy[:, channels:])
    conditioned = _generate(report, pipeline, condition=True)
    _compare_images(report, "cond", conditioned)
    if report.expects("cond_unet_in_step0"):
        report.close("cond_unet_in_step0", conditioned.unet_inputs[0])
    if report.expects("cond_unet_out_step0"):
        report.close("cond_unet_out_step0", conditioned.unet_outputs[0])
    if report.expects("cond_time_ids"):
        report.close("cond_time_ids", conditioned.time_ids)
    if report.expects("cond_latents_unscaled"):
        report.close("cond_latents_unscaled", conditioned.unet_inputs[0][:1, channels:])
    plain = _generate(report, pipeline, condition=False)
    _compare_images(report, "nocond", plain)
    if report.expects("nocond_unet_in_step0"):
        report.close("nocond_unet_in_step0", _as_three(plain.unet_inputs[0]))
    if report.expects("nocond_unet_out_step0"):
        report.close("nocond_unet_out_step0", _as_three(plain.unet_outputs[0]))
    if report.expects("nocond_time_ids"):
        report.close("nocond_time_ids", _as_three(plain.time_ids))
    _compare_common(report, pipeline)


def run_size(report: Report) -> None:
    """Run an image that is not square with the weights and features of another case of the directory."""
    case = report.case
    base = Report(Case.load(case.directory / f"{case.config['weights_of']}.json"))
    condition = image(case.input("gen_condition_raw")) if case.has_input("gen_condition_raw") else None
    trace = _run_pipeline(
        _pipeline(base),
        *_features(base),
        condition_image=condition,
        height=case.inputs["height"],
        width=case.inputs["width"],
        num_inference_steps=base.case.inputs["gen_num_inference_steps"],
        guidance_scale=base.case.inputs["gen_guidance_scale"],
        image_guidance_scale=base.case.inputs.get("gen_image_guidance_scale", 1.5),
        latents=case.input("gen_initial_noise"),
    )
    report.close("time_ids", trace.time_ids)
    report.close("step_latents", torch.cat(trace.step_latents))
    report.close("image_float01", trace.image_float01)
    report.problems.extend(base.problems)


def _as_three(branches: Tensor) -> Tensor:
    """Without a condition image two of the reference's three branches are the same; we run that one once."""
    if branches.shape[0] == 1:
        return branches
    negative, positive = branches.chunk(2)
    return torch.cat([positive, negative, negative])


@dataclass
class Trace:
    """What a run of the pipeline went through."""

    image_float01: Tensor = field(default_factory=lambda: torch.empty(0))
    image_uint8: Tensor = field(default_factory=lambda: torch.empty(0))
    step_latents: list[Tensor] = field(default_factory=list)
    unet_inputs: list[Tensor] = field(default_factory=list)
    unet_outputs: list[Tensor] = field(default_factory=list)
    time_ids: Tensor = field(default_factory=lambda: torch.empty(0))


def _resampler(config: dict[str, Any]) -> DetokenizerResampler:
    sizes = {name: value for name, value in config.items() if name != "class"}
    resampler: DetokenizerResampler = DetokenizerResampler(**sizes).eval()
    return resampler


def _pipeline(report: Report) -> Detokenizer:
    case = report.case
    sizes = case.config["unet"]
    channels = case.config.get("unet_conv_in_channels", sizes["in_channels"])
    unet = UNet2DConditionModel(**{**sizes, "in_channels": channels}).eval()
    unet.load_state_dict(case.weights("adapter/unet."))
    resampler = _resampler(case.config["resampler"])
    resampler.load_state_dict(case.weights("adapter/resampler."))
    others = [n for n in case.weights("adapter/") if not n.startswith(("unet.", "resampler."))]
    report.check("adapter weights that nothing loads", others, [])
    vae = AutoencoderKL(**case.config["vae"]).eval()
    vae.load_state_dict(case.weights("vae/"))
    scheduler = dict(case.config["scheduler"])
    pipeline = Detokenizer(unet, vae, getattr(diffusers, scheduler.pop("class"))(**scheduler), resampler)
    pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
    return pipeline


def _features(report: Report) -> tuple[Tensor, Tensor]:
    """Return the positive and negative image features of the case's generation."""
    case = report.case
    source, config = case.inputs["gen_source"], case.config["visual_encoder"]
    encoder = None
    if config["class"] == "table":
        zero = case.input("visual_encoder_zero_embeds")
    else:
        encoder = visual_encoder(config)
        encoder.load_state_dict(case.weights("visual_encoder/"))
        side = config["image_size"]
        zero = encoder(torch.zeros(1, 3, side, side))
    if report.expects("gen_vit_of_zero_image"):
        report.close("gen_vit_of_zero_image", zero)
    if source == "image_embeds":
        return case.input("gen_image_embeds"), pool_features(zero) if case.config["vit_down"] else zero
    if source not in ("image_pil", "image_tensor"):
        raise ValueError(f"gen_source {source!r} is unknown; allowed are image_embeds, image_pil and image_tensor")
    if encoder is None:
        raise ValueError(f"gen_source {source!r} needs the weights of a visual encoder")
    if source == "image_pil":
        pixels = ImageTransform("clip", config["image_size"])(image(case.input("gen_image_raw")))[None]
    else:
        pixels = next(t for name, t in case.tensors.items() if name.startswith("inputs/gen_image") and t.ndim == 4)
    # features of a whole image are not averaged in fours, and neither is their negative
    features = encoder(pixels)
    if report.expects("gen_vit_of_image"):
        report.close("gen_vit_of_image", features)
    return features, zero


def _generate(report: Report, pipeline: Detokenizer, *, condition: bool) -> Trace:
    case = report.case
    start: dict[str, Any] = {"latents": case.input("gen_initial_noise")} if case.has_input("gen_initial_noise") else {}
    if "gen_seed" in case.inputs:
        if case.has_input("gen_initial_noise_from_seed"):
            expected = case.input("gen_initial_noise_from_seed")
            drawn = randn_tensor(expected.shape, generator=torch.Generator().manual_seed(case.inputs["gen_seed"]))
            report.check("noise of the seed", bool(torch.equal(drawn, expected)), True)
        start = {"generator": torch.Generator().manual_seed(case.inputs["gen_seed"])}
    return _run_pipeline(
        pipeline,
        *_features(report),
        condition_image=image(case.input("gen_condition_raw")) if condition else None,
        height=case.inputs["gen_height"],
        width=case.inputs["gen_width"],
        num_inference_steps=case.inputs["gen_num_inference_steps"],
        guidance_scale=case.inputs["gen_guidance_scale"],
        image_guidance_scale=case.inputs.get("gen_image_guidance_scale", 1.5),
        **start,
    )


def _run_pipeline(pipeline: Detokenizer, positive: Tensor, negative: Tensor, **options: Any) -> Trace:
    trace = Trace()

    def on_unet(_module: Any, args: tuple[Tensor, ...], kwargs: dict[str, Any], output: tuple[Tensor, ...]) -> None:
        trace.unet_inputs.append(args[0])
        trace.unet_outputs.append(output[0])
        trace.time_ids = kwargs["added_cond_kwargs"]["time_ids"]

    def on_step(_pipeline: Detokenizer, _index: int, _t: Tensor, state: dict[str, Tensor]) -> None:
        trace.step_latents.append(state["latents"])

    hook = pipeline.unet.register_forward_hook(on_unet, with_kwargs=True)
    latents: Tensor = pipeline(
        positive, negative, callback_on_step_end=on_step, output_type="latent", return_dict=False, **options
    )[0]
    hook.remove()
    decoded = pipeline.decode_latents(latents)
    trace.image_float01 = pipeline.image_processor.postprocess(decoded, output_type="pt")
    shown = pipeline.image_processor.postprocess(decoded, output_type="np")[0]
    trace.image_uint8 = torch.from_numpy((shown * 255).round().astype("uint8"))
    return trace


def _compare_images(report: Report, prefix: str, trace: Trace) -> None:
    report.close(f"{prefix}_step_latents", torch.cat(trace.step_latents))
    report.close(f"{prefix}_final_latents", trace.step_latents[-1])
    report.close(f"{prefix}_image_float01", trace.image_float01)
    report.close(f"{prefix}_image_uint8", trace.image_uint8, atol=1.0)  # rounding of a tiny difference is one level


def _compare_training(report: Report, pipeline: Detokenizer, noisy: Tensor, condition: Tensor | None) -> None:
    case = report.case
    predicted = predict(
        pipeline.unet,
        pipeline.resampler,
        noisy,
        case.input("train_timesteps"),
        case.input("train_image_embeds"),
        case.input("train_time_ids"),
        condition,
    )
    report.close("train_noise_pred", predicted)
    report.close("train_loss", torch.nn.functional.mse_loss(predicted, case.input("train_noise")))


def _compare_common(report: Report, pipeline: Detokenizer) -> None:
    """Compare the conditions, the scheduler's numbers and the trainable names, which all runs of a case share."""
    positive, negative = _features(report)
    for prefix, features in (("gen", positive), ("gen_negative", negative)):
        prompt_embeds, pooled = pipeline.encode_condition(features)
        report.close(f"{prefix}_prompt_embeds", prompt_embeds)
        report.close(f"{prefix}_pooled", pooled)
    scheduler = pipeline.scheduler
    report.close("gen_timesteps", scheduler.timesteps)
    if report.expects("gen_sigmas"):
        report.close("gen_sigmas", scheduler.sigmas)
    report.close_number("init_noise_sigma", float(scheduler.init_noise_sigma))
    if report.expects("trainable_parameter_names"):
        names = sorted(f"resampler.{name}" for name, _ in pipeline.resampler.named_parameters())
        if pipeline.takes_condition_image:
            names = sorted([*names, *(f"unet.{name}" for name, _ in pipeline.unet.named_parameters())])
        report.equal("trainable_parameter_names", names)


KINDS = {
    "detok_resampler": run_resampler,
    "sdxl_stage1": run_stage1,
    "sdxl_stage2": run_stage2,
    "sdxl_size": run_size,
}
