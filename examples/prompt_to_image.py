"""One image from a prompt, step by step, in plain torch: python examples/prompt_to_image.py "two blue boats" boats.png.

This is what `SeedX().generate(prompt, seed=seed)` computes, without the client, the engine and the server around it.
The engine also reads prompts in any case and ends texts that repeat themselves.
docs/lifecycle.md follows the same steps through the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image
from transformers import DynamicCache

from seedx_sdk import prompts
from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.imaging import save_image
from seedx_sdk.model.generation import ImageTokenRule, query_pass
from seedx_sdk.model.lvlm import pool_features


@torch.inference_mode()
def prompt_to_image(prompt: str, *, seed: int = 0, checkpoint_dir: Path = NANO) -> Image.Image:
    """Return the image of a prompt, as `SeedX.generate` does with the same seed.

    Shapes: L prompt tokens, D language model width, Q = 64 image tokens, K feature width, V vocabulary.
    """
    # 1. Load the checkpoint directory; every file is verified against the hash in config.json.
    model = load_directory(checkpoint_dir)
    lvlm, tokenizer, tokens, settings = model.lvlm, model.tokenizer, model.tokenizer.ids, model.config.generation

    # 2. Render the prompt template and tokenize it: "[INST] Generate an image: two blue boats [/INST]\n".
    prompt_ids = [tokens.bos, *tokenizer.encode(prompts.instruct_generate(prompt))]

    # 3. Embed the prompt and run it through the language model; the cache keeps its keys and values.
    cache = DynamicCache()
    hidden = lvlm.run_llm(lvlm.embed(torch.tensor([prompt_ids])), cache)  # (1, L, D)

    # 4. Sample text tokens one by one, the boxes of the planned layout among them, until the model opens an image.
    rule, noise = ImageTokenRule(tokens), torch.Generator().manual_seed(seed)
    token = prompt_ids[-1]
    while token != tokens.begin_image:
        logits = rule(torch.tensor([[token]]), lvlm.logits(hidden[:, -1]))[0]  # (V,), image tokens forbidden
        logits[tokens.eos] = float("-inf")  # the reply must not end before its image
        token = int(torch.multinomial((logits / settings.temperature).softmax(-1), 1, generator=noise))
        if token != tokens.begin_image:
            hidden = lvlm.decode(torch.tensor([[token]]), cache)  # (1, 1, D)

    # 5. One query pass: the 64 image tokens are known in advance, so their hidden states take one forward pass.
    #    The output resampler turns them into image features in the space of the visual encoder.
    states, _ = query_pass(lvlm, cache, tokens, pending=[tokens.begin_image])  # (Q, D)
    features = lvlm.regress(states[None])  # (1, Q, K)

    # 6. The features of an all-zero image, for classifier-free guidance (seed-x-nano is sampled without it).
    side = model.config.visual_encoder.image_size
    negative = model.visual_encoder(torch.zeros(1, 3, side, side))  # (1, 4 Q, K)
    negative = pool_features(negative) if model.config.lvlm.vit_down else negative

    # 7. Denoise: the U-Net starts from seeded noise and is conditioned on the features.
    state = model.detokenizer.begin(
        features,
        negative,
        width=model.config.image_size,
        height=model.config.image_size,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        image_guidance_scale=settings.image_guidance_scale,
        generator=[torch.Generator().manual_seed(seed)],
    )
    while not state.done:
        state.step()

    # 8. Decode the clean latents with the VAE.
    image: Image.Image = model.detokenizer.to_images(state.latents)[0]
    return image


if __name__ == "__main__":
    text = sys.argv[1] if len(sys.argv) > 1 else "two blue boats on the beach"
    print(save_image(prompt_to_image(text, seed=1), sys.argv[2] if len(sys.argv) > 2 else "boats.png"))
