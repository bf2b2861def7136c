"""The released files: where they are, and which of their tensors goes where in our modules.

    seed_x, seed_x_i, seed_x_edit/llm/                  Llama directory of transformers
    the same three/agent/                               state dict of ContinuousLVLM, with or without `llm.*`
    QwenViT/qwen_vit_G.pt, or Qwen-VL-Chat/             the visual encoder, or the whole model that it is from
    seed_detokenizer/first_stage, second_stage/         `unet.*` and `resampler.*`; one of the two is enough
    stable-diffusion-xl-base-1.0/unet, vae, scheduler/  the U-Net's config, the VAE, the noise schedule
    cvlm_llama2_tokenizer_100img_and_224loc_addpatch/   tokenizer

Source: README.md and configs/ of SEED-X. An agent's file may also be that of a fine-tune (agent_files.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_sdk.checkpoints.agent_files import add_lora, agent_files, explain_missing_variant, read_agent
from seedx_sdk.checkpoints.released_configs import (
    detokenizer_resampler_sizes,
    lvlm_config,
    shape_of,
    visual_encoder_config,
)
from seedx_sdk.checkpoints.state_dicts import ROTARY, AgentNames
from seedx_sdk.checkpoints.tensor_files import FILE_NAMES, TensorSource, find_weights, list_tensors
from seedx_sdk.errors import ModelError, WeightsCorruptError, WeightsMissingError
from seedx_sdk.model.config import LVLMConfig, VisualEncoderConfig
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = ["VARIANTS", "Released", "read_released", "shown_path"]

VARIANTS = ("seed_x_i", "seed_x", "seed_x_edit")
"""The released models, the preferred one first."""
TUNED_FROM = "seed_x"
"""The one that the reference's training starts from. Source: configs/clm_models/llm_seed_x_lora.yaml."""
TOKENIZER = "cvlm_llama2_tokenizer_100img_and_224loc_addpatch"
SDXL = "stable-diffusion-xl-base-1.0"
STAGES = {"second_stage": "detokenizer_edit", "first_stage": "detokenizer"}
"""Directories of the de-tokenizer, and what they become."""
VIT, QWEN = "QwenViT", "Qwen-VL-Chat"
VIT_FILES = ("qwen_vit_G.safetensors", "qwen_vit_G.pt")
VIT_IN_QWEN = "transformer.visual."
"""Source: reload_qwen_vit.py."""

UNUSED = {
    r"(.*\.)?rotary_emb\.inv_freq": ROTARY,
    r"visual_encoder\..*": "a second copy: the visual encoder has a file of its own",
    r"discrete_model\..*": "SEED-X configures an identity here",
}
"""Names, as patterns, that any file may hold and no module needs, and why."""
SUPERSEDED = "the agent file holds it too, and is loaded over the LLM's directory"
UNUSED_IN_QWEN = {rf"(?!{re.escape(VIT_IN_QWEN)}).*": "Qwen-VL's own language model"}

Tensors = dict[str, TensorSource]


@dataclass(kw_only=True)
class Released:
    """One of the released models, or a fine-tune of one, checked as far as possible without reading its weights."""

    variant: str
    is_tuned: bool
    """Whether the agent is that of a fine-tune."""
    llm: LlamaConfig
    visual_encoder: VisualEncoderConfig
    lvlm: LVLMConfig
    tokenizer: Path
    """Its directory."""
    pipelines: dict[str, Detokenizer]
    """De-tokenizers on the meta device, by their subdirectory of ours."""
    parts: dict[str, Tensors]
    """Where the tensors of each part are, by its subdirectory of ours; names and shapes are those of our modules."""
    unused: dict[str, list[str]]
    """Names ("file: tensor") that are left out, by reason."""


def read_released(
    source: Path, variant: str | None = None, *, agent: Path | None = None, lora_alpha: float | None = None
) -> Released:
    """Return every tensor of a released model and its place in ours.

    Args:
        source: The directory of the released files (`pretrained/` of the reference).
        variant: One of VARIANTS; None takes the first that is there, or with `agent` the one that is tuned from.
        agent: The agent of a fine-tune, a file or a directory, in place of the variant's own.
        lora_alpha: Of the training, if the agent holds LoRA matrices; None takes the reference's.

    Raises:
        WeightsMissingError: If the variant, a directory or a file is not there.
        WeightsCorruptError: If a file is cut short.
        ModelError: If a tensor is missing, has no place, or has another shape than the configs say, these are wrong, or
            the files are those of another model.
    """
    variant = _choose(source, variant, is_tuned=agent is not None)
    try:
        released = _read(source, variant, agent, lora_alpha)
        _check(released)
    except (ValueError, TypeError, StrictDataclassError) as error:  # what the libraries raise on impossible sizes
        reason = " ".join(str(error).split())
        raise ModelError(f"a config.json below {source} can't be used: {reason}; download it again") from error
    return released


def _read(source: Path, variant: str, tuned: Path | None, lora_alpha: float | None) -> Released:
    tree = _Tree(source)
    agent = tree.agent((source / variant / "agent") if tuned is None else tuned.absolute())
    projectors, over_llm = _rest(agent.weights, ["llm."]), _under(agent.weights, "llm.")
    lora = {name.removeprefix("llm."): pair for name, pair in agent.lora.items()}
    llm = tree.tensors(f"{variant}/llm", unused=UNUSED | {re.escape(name): SUPERSEDED for name in over_llm})
    encoder = tree.visual_encoder()
    released = Released(
        variant=variant,
        is_tuned=tuned is not None or bool(lora),
        llm=LlamaConfig.from_pretrained(tree.directory(f"{variant}/llm", "config.json")),
        visual_encoder=visual_encoder_config(encoder),
        lvlm=lvlm_config(projectors),
        tokenizer=tree.directory(TOKENIZER, "tokenizer.model", "added_tokens.json"),
        pipelines={},
        parts={
            "llm": add_lora(llm | over_llm, lora, lora_alpha),
            "visual_encoder": encoder,
            "projectors": projectors,
        },
        unused=tree.unused,
    )
    for stage, ours in STAGES.items():
        if (source / "seed_detokenizer" / stage).is_dir():
            weights = tree.detokenizer(stage)
            released.pipelines[ours] = tree.pipeline(weights)
            released.parts |= {f"{ours}/{name}": tensors for name, tensors in weights.items()}
    if not released.pipelines:
        raise WeightsMissingError(f"{source / 'seed_detokenizer'} has neither {' nor '.join(STAGES)}; download one")
    return released


def _choose(source: Path, variant: str | None, *, is_tuned: bool) -> str:
    there = [name for name in VARIANTS if (source / name).is_dir()]
    if variant is not None and variant not in VARIANTS:
        raise ModelError(f"there is no variant {variant!r}; use one of {', '.join(VARIANTS)}")
    if not there:
        explain_missing_variant(source)
    if not there or variant not in (None, *there):
        raise WeightsMissingError(
            f"{source} holds {', '.join(there) or 'none of the released models'}; "
            f"expected {variant or 'one of ' + ', '.join(VARIANTS)} (the directory 'pretrained' of the reference)"
        )
    return variant or (TUNED_FROM if is_tuned and TUNED_FROM in there else there[0])


class _Tree:
    """Reads the files of one released tree, and keeps account of what is left out."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.unused: dict[str, list[str]] = {}

    def directory(self, name: str, *needed: str) -> Path:
        """Return a directory of the tree that holds these files, those in JSON readable."""
        path = self.source / name
        for file in needed:
            if not (path / file).is_file():
                raise WeightsMissingError(f"{path} has no {file}; download that directory of the released files")
            if file.endswith(".json"):
                try:
                    json.loads((path / file).read_text(encoding="utf-8"))
                except ValueError as error:
                    raise WeightsCorruptError(f"{path / file} is no JSON ({error}); download it again") from error
        return path

    def tensors(self, name: str, files: Sequence[str] = FILE_NAMES, unused: Mapping[str, str] = UNUSED) -> Tensors:
        """Return the tensors of a directory, without the unused ones."""
        return self._used(list_tensors(find_weights(self.source / name, files)), unused)

    def agent(self, path: Path) -> AgentNames[TensorSource]:
        """Return what an agent's file or directory holds, without the unused tensors."""
        found = self._used(list_tensors(agent_files(path)), UNUSED)
        names = read_agent(found)
        for name, reason in names.unused.items():
            self._leave_out(found[name], reason)
        return names

    def _used(self, found: Tensors, unused: Mapping[str, str]) -> Tensors:
        for pattern, reason in unused.items():
            for name in [name for name in found if re.fullmatch(pattern, name)]:
                self._leave_out(found.pop(name), reason)
        return found

    def _leave_out(self, place: TensorSource, reason: str) -> None:
        self.unused.setdefault(reason, []).append(f"{shown_path(place.path, self.source)}: {place.name}")

    def visual_encoder(self) -> Tensors:
        """Return the extracted visual encoder, or the one inside Qwen-VL-Chat."""
        if (self.source / VIT).is_dir() or not (self.source / QWEN).is_dir():
            return self.tensors(VIT, VIT_FILES)
        return _under(self.tensors(QWEN, unused=UNUSED_IN_QWEN), VIT_IN_QWEN)

    def detokenizer(self, stage: str) -> dict[str, Tensors]:
        """Return the weights of a pipeline's parts, by their names."""
        found = self.tensors(f"seed_detokenizer/{stage}")
        if rest := _rest(found, ["unet.", "resampler."]):
            raise ModelError(f"{_named(rest)} in seed_detokenizer/{stage} belongs to no part of a de-tokenizer")
        weights = {name: _under(found, f"{name}.") for name in ("unet", "resampler")}
        return weights | {"vae": self.tensors(f"{SDXL}/vae")}

    def pipeline(self, weights: dict[str, Tensors]) -> Detokenizer:
        """Return the modules for such weights, on the meta device."""
        unet = UNet2DConditionModel.load_config(self.directory(f"{SDXL}/unet", "config.json"))
        unet["in_channels"] = shape_of(weights["unet"], "conv_in.weight", 4)[1]
        vae = AutoencoderKL.load_config(self.directory(f"{SDXL}/vae", "config.json"))
        scheduler = EulerDiscreteScheduler.from_pretrained(self.directory(f"{SDXL}/scheduler", "scheduler_config.json"))
        with torch.device("meta"):
            return Detokenizer(
                unet=UNet2DConditionModel.from_config(unet),
                vae=AutoencoderKL.from_config(vae),
                scheduler=scheduler,
                resampler=DetokenizerResampler(**detokenizer_resampler_sizes(weights["resampler"])),
            )


def shown_path(path: Path, source: Path) -> Path:
    """Return the path as it is printed: from the source on, if it is inside."""
    return path.relative_to(source) if path.is_relative_to(source) else path


def _under(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): place for name, place in tensors.items() if name.startswith(prefix)}


def _rest(tensors: Tensors, prefixes: Sequence[str]) -> Tensors:
    return {name: place for name, place in tensors.items() if not name.startswith(tuple(prefixes))}


def _check(released: Released) -> None:
    """Compare what was found with what our modules load, and the parts with each other."""
    width, features = released.llm.hidden_size, released.visual_encoder.output_dim
    lvlm, tokens = released.lvlm, len(Tokenizer.from_pretrained(released.tokenizer))
    pairs = {
        "the input resampler's output and the LLM's width": (lvlm.input_resampler.embed_dim, width),
        "the output resampler's input and the LLM's width": (lvlm.output_resampler.input_dim, width),
        "the input resampler's input and the visual encoder's output": (lvlm.input_resampler.input_dim, features),
        "the output resampler's and the visual encoder's output": (lvlm.output_resampler.embed_dim, features),
        "the tokenizer's and the LLM's number of tokens": (tokens, released.llm.vocab_size),
    }
    for ours, pipeline in released.pipelines.items():
        sizes = pipeline.resampler.config
        prompt = sizes["output1_dim"] + sizes["output2_dim"]
        pairs[f"the input of {ours} and the visual encoder's output"] = (sizes["embedding_dim"], features)
        pairs[f"the U-Net's and the resampler's width in {ours}"] = (
            pipeline.unet.config["cross_attention_dim"],
            prompt,
        )
    for what, (one, other) in pairs.items():
        if one != other:
            raise ModelError(f"{what} differ: {one} and {other}; take all directories from the same release")
    with torch.device("meta"):
        lvlm_state = LVLM(LlamaForCausalLM(released.llm), lvlm).state_dict()
        encoder_state = VisualEncoder(released.visual_encoder).state_dict()
    llm_state = {name.removeprefix("llm."): value for name, value in lvlm_state.items() if name.startswith("llm.")}
    around = {name: value for name, value in lvlm_state.items() if not name.startswith("llm.")}
    _compare("llm", llm_state, released.parts)
    _compare("visual_encoder", encoder_state, released.parts)
    _compare("projectors", around, released.parts)
    for ours, pipeline in released.pipelines.items():
        for name in ("unet", "resampler", "vae"):
            _compare(f"{ours}/{name}", getattr(pipeline, name).state_dict(), released.parts)


def _compare(part: str, expected: Mapping[str, Tensor], parts: dict[str, Tensors]) -> None:
    found = parts[part]
    if unknown := [name for name in found if name not in expected]:
        places = ", ".join(sorted({str(found[name].path) for name in unknown}))
        raise ModelError(f"{_named(unknown)} in {places} has no place in {part}; is it a file of another model?")
    if missing := [name for name in expected if name not in found]:
        raise ModelError(f"{_named(missing)} of {part} is in none of its files; download them again")
    for name, value in expected.items():
        shape = tuple(found[name].meta.shape)
        if shape != tuple(value.shape):
            raise ModelError(
                f"{name!r} in {found[name].path} has shape {shape}, but the config of {part} asks for "
                f"{tuple(value.shape)}; take config and weights from the same release"
            )


def _named(names: Sequence[str] | Mapping[str, object]) -> str:
    """Return three of the names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(repr(name) for name in listed[:3]) + more
