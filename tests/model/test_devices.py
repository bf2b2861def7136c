"""Every device is that of the module that computes, and nothing waits for a value: shown on a GPU that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from seedx_sdk.engine.backbones.base import Prompt
from seedx_sdk.engine.backbones.transformers import embed_prompt
from seedx_sdk.model.config import Solver, VisualEncoderConfig
from seedx_sdk.model.denoise_loop import copy_scheduler
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.events import QueryStates
from seedx_sdk.model.generation import stream
from seedx_sdk.model.lvlm import LVLM, pool_features
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder
from seedx_sdk.tokens import TokenIds, image_block, input_mask
from tests.support.fake_gpu import fake_gpu, with_real_timesteps

GPU = torch.device("cuda:0")


@pytest.fixture
def gpu_lvlm(lvlm: LVLM) -> Iterator[LVLM]:
    with fake_gpu(lvlm):
        yield lvlm


def test_tensors_of_two_devices_do_not_mix(gpu_lvlm: LVLM) -> None:
    assert gpu_lvlm.device == GPU
    with pytest.raises(RuntimeError, match="[Uu]nhandled FakeTensor Device Propagation|same device"):
        gpu_lvlm.embed(torch.tensor([[1, 2]]))


def test_an_image_is_read_and_written(gpu_lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    ids = [tokenizer.bos_id, *tokenizer.encode(f"[INST] {image_block(1, 16)}repeat it [/INST]\n<img>")]
    read = gpu_lvlm.embed_images(torch.randn(2, 64, 20, device=GPU), torch.rand(2, 2, device=GPU))
    assert (read.device, read.shape) == (GPU, (2, 16, 40))
    prompt = Prompt(token_ids=tuple(ids), features=torch.randn(sum(input_mask(ids, tokens)), 40))
    embeds = embed_prompt(gpu_lvlm, prompt, tokens)
    assert (embeds.device, embeds.shape) == (GPU, (1, len(ids), 40))
    event = next(stream(gpu_lvlm, embeds, tokens, max_new_tokens=20, last_id=ids[-1]))
    assert isinstance(event, QueryStates)
    features = gpu_lvlm.regress(event.hidden_states[None])
    assert (features.device, features.shape) == (GPU, (1, 16, 20))


def test_pixels_are_encoded() -> None:
    encoder = VisualEncoder(
        VisualEncoderConfig(
            image_size=20,
            patch_size=4,
            width=24,
            layers=1,
            heads=3,
            mlp_ratio=2.0,
            n_queries=16,
            output_dim=32,
            pool_heads=2,
            num_positions=16,
        )
    )
    with fake_gpu(encoder):
        features = pool_features(encoder(torch.randn(2, 3, 20, 20, device=GPU)))
    assert (features.device, features.shape) == (GPU, (2, 4, 32))


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("solver", ["dpmsolver++", "unipc"])
def test_images_are_denoised_and_decoded(
    solver: Solver, stage: int, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=stage)
    scheduler = with_real_timesteps(copy_scheduler(pipeline.scheduler, solver))
    with fake_gpu(pipeline.unet, pipeline.vae, pipeline.resampler):
        condition = pipeline.encode_image(torch.rand(1, 3, 16, 16)) if stage == 2 else None
        assert condition is None or condition.device == GPU
        state = pipeline.begin(
            torch.randn(3, 16, 20, device=GPU),
            torch.randn(1, 16, 20, device=GPU),
            condition_image=torch.rand(1, 3, 16, 16) if stage == 2 else None,
            height=16,
            width=16,
            num_inference_steps=4,
            guidance_scale=3.0,
            generator=[torch.Generator().manual_seed(seed) for seed in range(3)],
            scheduler=scheduler,
        )
        while not state.done:
            state.step()
            assert state.predicted_latents().device == GPU
            if state.index == 2:
                state.keep([2, 0])
        pixels = pipeline.decode_latents(state.latents)
    assert (pixels.device, pixels.shape) == (GPU, (2, 3, 16, 16))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_noise_is_that_of_float32_in_every_precision(
    dtype: torch.dtype, make_detokenizer: Callable[..., Detokenizer]
) -> None:
    pipeline = make_detokenizer(stage=1).to(dtype)

    def noise(*seeds: int) -> Tensor:
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        state = pipeline.begin(
            torch.zeros(len(seeds), 16, 20),
            guidance_scale=1.0,
            height=16,
            width=24,
            generator=generators,
            scheduler=copy_scheduler(pipeline.scheduler, "unipc"),  # its noise has a deviation of 1
        )
        return state.latents

    drawn = torch.cat([torch.randn(1, 3, 8, 12, generator=torch.Generator().manual_seed(seed)) for seed in (5, 7)])
    assert noise(5, 7).dtype == dtype
    torch.testing.assert_close(noise(5, 7), drawn.to(dtype), atol=0, rtol=0)
