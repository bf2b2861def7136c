"""The agent's file: as released, of a fine-tune of one's own, or of another model.

A fine-tune's file is what DeepSpeed's zero_to_fp32.py writes after the reference's training: the whole agent in
float32, its language model wrapped by PEFT (SEED-X's README.md, "Inference with your own model").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from seedx_sdk.checkpoints.state_dicts import AgentNames, resolve_agent_names
from seedx_sdk.checkpoints.tensor_files import FILE_NAMES, LoraSource, TensorSource, find_weights, list_tensors
from seedx_sdk.errors import ModelError, SeedXError, WeightsMissingError

__all__ = ["add_lora", "agent_files", "explain_missing_variant", "read_agent"]

LORA_RANK, LORA_ALPHA = 32, 32.0
"""Rank and alpha of the reference's training. Source: configs/clm_models/llm_seed_x_lora.yaml."""
ZERO_TO_FP32 = "zero_to_fp32.py"
"""The script that DeepSpeed puts beside its checkpoints."""

Tensors = Mapping[str, TensorSource]


def agent_files(path: Path) -> list[Path]:
    """Return the weight files of an agent.

    Args:
        path: A file, or a directory with one that may be sharded.

    Raises:
        WeightsMissingError: If there are none, or they are still as DeepSpeed saved them.
        WeightsCorruptError: If an index can't be read.
    """
    if path.is_file():
        return [path]
    try:
        return find_weights(path, FILE_NAMES)
    except WeightsMissingError:
        if (path / ZERO_TO_FP32).is_file():
            raise WeightsMissingError(
                f"{path} is a DeepSpeed checkpoint whose weights are not collected yet; run "
                f"`python {ZERO_TO_FP32} . pytorch_model.bin` in it, then convert"
            ) from None
        raise


def read_agent(tensors: Tensors) -> AgentNames[TensorSource]:
    """Return what the tensors of an agent's file are, under the names of our modules.

    Raises:
        ModelError: If a name can't be understood, or the agent is one of SEED-Story.
    """
    path = next((place.path for place in tensors.values()), None)
    try:
        names = resolve_agent_names(tensors)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    _refuse_seed_story(names.weights)
    return names


def add_lora(
    weights: Tensors, lora: Mapping[str, tuple[TensorSource, TensorSource]], alpha: float | None
) -> dict[str, TensorSource]:
    """Return the weights, each with the LoRA that is added to it when it is read.

    Args:
        weights: By name.
        lora: A (R, I) and B (O, R) by the name of their weight (O, I).
        alpha: lora_alpha of the training; None takes the reference's, if R is the reference's too.

    Raises:
        ModelError: If alpha is needed, a weight is not there, or shapes don't fit.
    """
    result = dict(weights)
    for name, (a, b) in lora.items():
        if name not in result:
            raise ModelError(f"{a.path} holds LoRA of {name!r}, which neither it nor the LLM's directory has")
        rows, columns = result[name].meta.shape
        rank = a.meta.shape[0]
        if tuple(a.meta.shape) != (rank, columns) or tuple(b.meta.shape) != (rows, rank):
            raise ModelError(
                f"{a.path} holds LoRA matrices {tuple(a.meta.shape)} and {tuple(b.meta.shape)} of {name!r}, which has "
                f"shape {(rows, columns)}; take the base model that was tuned"
            )
        if alpha is None and rank != LORA_RANK:
            raise ModelError(
                f"{a.path} holds LoRA of rank {rank}, not the {LORA_RANK} of the reference's training, and a file "
                "doesn't say its alpha; pass the lora_alpha of that training (--lora-alpha)"
            )
        result[name] = replace(result[name], lora=LoraSource(a, b, (LORA_ALPHA if alpha is None else alpha) / rank))
    return result


def explain_missing_variant(source: Path) -> None:
    """Raise what is wrong with a directory that holds no released model, if it is something else that is known.

    Raises:
        WeightsMissingError: If it is a fine-tune's checkpoint, which needs the files that it was trained from.
        ModelError: If it holds SEED-Story.
    """
    own = [source] if source.is_file() else []
    with suppress(WeightsMissingError):
        own = own or find_weights(source)
    if not own and (source / ZERO_TO_FP32).is_file():
        agent_files(source)
    for paths in _groups(own, source):
        try:
            names = resolve_agent_names(list_tensors(paths))
        except SeedXError:
            continue  # what can't be read here is no reason; the caller has one
        _refuse_seed_story(names.weights)
        if "output_resampler.query" in names.weights:
            raise WeightsMissingError(
                f"{source} holds the agent of a fine-tune, {paths[0].name}, and not the released files that it was "
                f"trained from; give their directory and this one: seedx convert PRETRAINED DST --agent '{source}'"
            )


def _groups(own: list[Path], source: Path) -> Iterable[list[Path]]:
    """Yield the files that may hold an agent: the source's own, else those at most two directories below it."""
    if own:
        yield own
        return
    for pattern in ("*/pytorch_model.bin", "*/*/pytorch_model.bin"):
        for path in sorted(source.glob(pattern)):
            yield [path]


def _refuse_seed_story(weights: Tensors) -> None:
    """Recognize SEED-Story, which has the same parts without sub-images, and more features out than in.

    Source: ContinuousLVLM in src/models_clm/models.py and agent_7b_sft.yaml of TencentARC/SEED-Story; its
    ResamplerXLV2 for the de-tokenizer.
    """
    queries = [weights.get(f"{name}_resampler.query") for name in ("input", "output")]
    if queries[0] is None or queries[1] is None or "patch_pos_embed" in weights:
        return
    num_in, num_out = queries[0].meta.shape[0], queries[1].meta.shape[0]
    if num_in == num_out:
        return
    embeddings = weights.get("llm.model.embed_tokens.weight")
    vocabulary = "" if embeddings is None else f" (this one has {embeddings.meta.shape[0]:,})"
    raise ModelError(
        f"{queries[1].path} is SEED-Story, which differs from SEED-X in its vocabulary: 32,066 tokens without "
        f"<patch> and <loc-...>, so no boxes{vocabulary}; in reading an image as one view without sub-images; in "
        f"regressing {num_out} features of an image, not {num_in}; and in a de-tokenizer that normalizes features over "
        "tokens. This package runs SEED-X only: use https://github.com/TencentARC/SEED-Story for these weights, or "
        "`seedx story` for stories by SEED-X"
    )
