"""De-tokenizer: an SDXL-style diffusion pipeline conditioned on image features instead of text.

Stage 1 generates from the features alone (U-Net with C input channels); stage 2 also takes a condition image, whose
latents are concatenated with the noisy ones (2 C channels). Which one a pipeline is follows from its U-Net.

Shapes: B images, N image tokens, D their width, C latent channels, H W latent size, G guidance branches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from diffusers.image_processor import VaeImageProcessor
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.pipeline_utils import DiffusionPipeline, ImagePipelineOutput
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from torch import Tensor, nn

from seedx_sdk.model.denoise_loop import DenoiseState
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.unet import NoisePredictor, predict_noise, size_ids, takes_condition

__all__ = ["Detokenizer"]

StepCallback = Callable[["Detokenizer", int, Tensor, dict[str, Tensor]], dict[str, Tensor] | None]
"""Called after each step with the pipeline, the step, its timestep and {"latents"}; may return new latents."""


class Detokenizer(DiffusionPipeline):
    """Image features to images (SDXLAdapter and SDXLAdapterWithLatentImage in adapter_modules.py).

    A diffusers pipeline: `from_pretrained`, `save_pretrained`, `to`, `set_progress_bar_config` and offloading work.
    """

    model_cpu_offload_seq = "resampler->unet->vae"  # type: ignore[assignment]  # diffusers annotates None
    _callback_tensor_inputs = ["latents"]

    def __init__(
        self,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        scheduler: SchedulerMixin,
        resampler: DetokenizerResampler,
    ) -> None:
        super().__init__()
        takes_condition(unet)  # rejects input channels that fit neither stage
        if unet.config["out_channels"] != vae.config["latent_channels"]:
            raise ValueError(
                f"the U-Net denoises {unet.config['out_channels']} latent channels and the VAE has "
                f"{vae.config['latent_channels']}; load parts that belong together"
            )
        self.register_modules(  # type: ignore[no-untyped-call]
            unet=unet, vae=vae, scheduler=scheduler, resampler=resampler
        )
        self.vae_scale_factor = 2 ** (len(self.vae.config["block_out_channels"]) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)
        self._interrupt = False

    @property
    def takes_condition_image(self) -> bool:
        """Whether this is stage 2, which takes a condition image."""
        return takes_condition(self.unet)

    @property
    def default_size(self) -> int:
        """Side in pixels of the images that the U-Net was made for."""
        return int(self.unet.config["sample_size"] * self.vae_scale_factor)

    @property
    def interrupt(self) -> bool:
        """Whether the running call ends after the current step; a callback may set it."""
        return self._interrupt

    @interrupt.setter
    def interrupt(self, value: bool) -> None:
        self._interrupt = value

    def encode_condition(self, image_embeds: Tensor) -> tuple[Tensor, Tensor]:
        """Return prompt embeddings (B, Q, P) and pooled embedding (B, P2) for image features (B, N, D)."""
        prompt_embeds, pooled = self.resampler(image_embeds.to(self._execution_device, self.resampler.dtype))
        return prompt_embeds, pooled

    def encode_image(self, images: Tensor) -> Tensor:
        """Return the condition latents (B, C, H, W) of images (B, 3, 8 H, 8 W) in -1..1.

        They are the mode of the VAE's posterior, not multiplied by the scaling factor, as the released U-Net expects.
        """
        vae = self.vae
        upcast = vae.dtype == torch.float16 and vae.config["force_upcast"]
        if upcast:
            nn.Module.to(vae, dtype=torch.float32)
        latents: Tensor = vae.encode(images.to(self._execution_device, vae.dtype)).latent_dist.mode()
        if upcast:
            nn.Module.to(vae, dtype=torch.float16)
        return latents

    def decode_latents(self, latents: Tensor) -> Tensor:
        """Return images (B, 3, 8 H, 8 W), around -1..1, of scaled latents (B, C, H, W)."""
        vae = self.vae
        upcast = vae.dtype == torch.float16 and vae.config["force_upcast"]
        if upcast:
            nn.Module.to(vae, dtype=torch.float32)
        decoded: Tensor = vae.decode((latents / vae.config["scaling_factor"]).to(vae.dtype), return_dict=False)[0]
        if upcast:
            nn.Module.to(vae, dtype=torch.float16)
        return decoded

    @torch.no_grad()
    def __call__(
        self,
        image_embeds: Tensor,
        negative_image_embeds: Tensor | None = None,
        *,
        condition_image: Image.Image | Sequence[Image.Image] | Tensor | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 30,
        guidance_scale: float = 7.5,
        image_guidance_scale: float = 1.5,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: Tensor | None = None,
        callback_on_step_end: StepCallback | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> ImagePipelineOutput | tuple[Any]:
        """Return the images.

        Args:
            image_embeds: (B, N, D) image features.
            negative_image_embeds: (1 or B, N', D) features of the all-zero normalized image; needed when guiding.
            condition_image: One image for all or one per image, resized to the output size; a tensor is
                (1 or B, 3, height, width) in -1..1. Stage 2 only.
            height: Output height in pixels, a multiple of the VAE's factor; None is the U-Net's own size.
            width: Output width, likewise.
            num_inference_steps: Denoising steps. The reference's default is 30; its scripts pass 50.
            guidance_scale: Weight of the image features; 1 or less runs the positive branch alone.
            image_guidance_scale: Weight of the condition image; below 1, stage 2 runs without any guidance.
            generator: Source of the noise, one per image for results that do not depend on the batch. One on the CPU
                gives the same noise on every device.
            latents: (B, C, H, W) standard normal noise to start from, instead of random noise.
            callback_on_step_end: Called after every step.
            output_type: "pil", "np", "pt" or "latent".
            return_dict: False returns a tuple instead of an ImagePipelineOutput.

        Raises:
            ValueError: If a size, shape or combination of arguments is not allowed; the message says which.

        Source: guidance of stage 2 from pipeline_stable_diffusion_xl_t2i_edit.py.
        """
        sampling = self.begin(
            image_embeds,
            negative_image_embeds,
            condition_image=condition_image,
            height=height,
            width=width,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            image_guidance_scale=image_guidance_scale,
            generator=generator,
            latents=latents,
        )
        self._interrupt = False
        with self.progress_bar(total=len(sampling.timesteps)) as progress:
            for index, t in enumerate(sampling.timesteps):
                sampling.step()
                if callback_on_step_end is not None:
                    changed = callback_on_step_end(self, index, t, {"latents": sampling.latents}) or {}
                    sampling.latents = changed.get("latents", sampling.latents)
                progress.update()
                if self._interrupt:
                    break
        images: Any = sampling.latents
        if output_type != "latent":
            images = self.to_images(images, output_type=output_type)
        self.maybe_free_model_hooks()  # type: ignore[no-untyped-call]
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    @torch.no_grad()
    def begin(
        self,
        image_embeds: Tensor,
        negative_image_embeds: Tensor | None = None,
        *,
        condition_image: Image.Image | Sequence[Image.Image] | Tensor | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 30,
        guidance_scale: float = 7.5,
        image_guidance_scale: float = 1.5,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: Tensor | None = None,
        scheduler: SchedulerMixin | None = None,
        predict: NoisePredictor | None = None,
    ) -> DenoiseState:
        """Return the batch before its first step, for callers that step it themselves, without gradients.

        Arguments and errors are those of the call. `scheduler` takes the place of the pipeline's own, which serves one
        batch at a time, and `predict` that of calling the U-Net.
        """
        height, width = height or self.default_size, width or self.default_size
        batch = image_embeds.shape[0]
        guided = guidance_scale > 1 and (image_guidance_scale >= 1 or not self.takes_condition_image)
        self._check(image_embeds, negative_image_embeds, condition_image is not None, height, width, guided, generator)
        device, dtype = self._execution_device, self.unet.dtype
        cells = (height // self.vae_scale_factor, width // self.vae_scale_factor)
        shape = (batch, self.vae.config["latent_channels"], *cells)

        prompt_embeds, pooled = self.encode_condition(image_embeds)
        condition = None
        if condition_image is not None:
            condition = self._condition_latents(condition_image, height, width, batch)
        elif self.takes_condition_image:
            condition = torch.zeros(shape, device=device, dtype=dtype)
        branches = 1
        if guided:
            assert negative_image_embeds is not None
            negative, negative_pooled = (_repeat(part, batch) for part in self.encode_condition(negative_image_embeds))
            if condition_image is not None:
                assert condition is not None
                prompt_embeds = torch.cat([prompt_embeds, negative, negative])
                pooled = torch.cat([pooled, negative_pooled, negative_pooled])
                condition = torch.cat([condition, condition, torch.zeros_like(condition)])
                branches = 3
            else:
                prompt_embeds = torch.cat([negative, prompt_embeds])
                pooled = torch.cat([negative_pooled, pooled])
                condition = None if condition is None else torch.cat([condition, condition])
                branches = 2
        steps: Any = self.scheduler if scheduler is None else scheduler
        steps.set_timesteps(num_inference_steps, device=device)
        if hasattr(steps, "set_begin_index"):
            steps.set_begin_index(0)  # or it would search the timesteps, which waits for a GPU
        if latents is None:
            # Always float32: in another precision a seed would give other noise.
            latents = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        elif tuple(latents.shape) != shape:
            raise ValueError(f"latents have shape {tuple(latents.shape)}; this call needs {shape}")
        return DenoiseState(
            unet=self.unet,
            predict=partial(predict_noise, self.unet) if predict is None else predict,
            scheduler=steps,
            latents=latents.to(device, prompt_embeds.dtype) * steps.init_noise_sigma,
            prompt_embeds=prompt_embeds,
            pooled=pooled,
            time_ids=size_ids(height, width, branches * batch, device=device).to(dtype),
            condition=condition,
            branches=branches,
            guidance_scale=guidance_scale,
            image_guidance_scale=image_guidance_scale,
            generator=generator,
        )

    def to_images(self, latents: Tensor, *, output_type: str = "pil") -> Any:
        """Return the images of clean latents (B, C, H, W), as the call's `output_type` says."""
        return self.image_processor.postprocess(self.decode_latents(latents).float(), output_type=output_type)

    def _check(
        self,
        image_embeds: Tensor,
        negative_image_embeds: Tensor | None,
        has_condition: bool,
        height: int,
        width: int,
        guided: bool,
        generator: torch.Generator | list[torch.Generator] | None,
    ) -> None:
        dim, factor, batch = self.resampler.config["embedding_dim"], self.vae_scale_factor, image_embeds.shape[0]
        if image_embeds.ndim != 3 or image_embeds.shape[2] != dim:
            raise ValueError(f"image_embeds has shape {tuple(image_embeds.shape)}; allowed is (images, tokens, {dim})")
        if height % factor or width % factor or height <= 0 or width <= 0:
            fixed = f"{max(factor, height // factor * factor)}x{max(factor, width // factor * factor)}"
            raise ValueError(f"height x width {height}x{width} must be positive multiples of {factor}; use {fixed}")
        if guided and negative_image_embeds is None:
            raise ValueError(
                "guidance_scale > 1 needs negative_image_embeds (the visual encoder's features of a zero image); "
                "pass them or set guidance_scale=1"
            )
        if negative_image_embeds is not None and negative_image_embeds.shape[0] not in (1, batch):
            raise ValueError(
                f"{negative_image_embeds.shape[0]} negative_image_embeds for {batch} images; pass 1 or {batch}"
            )
        if has_condition and not self.takes_condition_image:
            raise ValueError(
                f"a U-Net with {self.unet.config['in_channels']} input channels takes no condition image; "
                "load the second-stage de-tokenizer"
            )
        if isinstance(generator, list) and len(generator) != batch:
            raise ValueError(f"{len(generator)} generators for {batch} images; pass one for each")

    def _condition_latents(
        self, image: Image.Image | Sequence[Image.Image] | Tensor, height: int, width: int, batch: int
    ) -> Tensor:
        if isinstance(image, Tensor):
            pixels = image
        else:
            images = [image] if isinstance(image, Image.Image) else list(image)
            pixels = self.image_processor.preprocess([_fit(image, width, height) for image in images])
        if pixels.shape[0] not in (1, batch) or tuple(pixels.shape[1:]) != (3, height, width):
            raise ValueError(
                f"condition_image has shape {tuple(pixels.shape)}; allowed is (1 or {batch}, 3, {height}, {width})"
            )
        return _repeat(self.encode_image(pixels).to(self.unet.dtype), batch)


def _fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """Resize without keeping the aspect ratio, bicubically, as the reference's edit script does."""
    rgb = image.convert("RGB")
    return rgb if rgb.size == (width, height) else rgb.resize((width, height), Image.Resampling.BICUBIC)


def _repeat(x: Tensor, batch: int) -> Tensor:
    return x if x.shape[0] == batch else x.expand(batch, *x.shape[1:])
