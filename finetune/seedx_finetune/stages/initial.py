"""The weights that the training of the multimodal model starts from."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.released_sizes import LLAMA_2_13B, QWEN_VIT_G
from seedx_finetune.training.config import Config
from seedx_sdk.checkpoints.convert import GENERATION, IMAGE_SIZE, SIZES
from seedx_sdk.checkpoints.directory import DirectoryConfig, load_lvlm, load_visual_encoder, quiet_libraries
from seedx_sdk.checkpoints.released_configs import visual_encoder_config
from seedx_sdk.checkpoints.state_dicts import grow_vocabulary
from seedx_sdk.checkpoints.tensor_files import list_tensors, read_tensors
from seedx_sdk.files import sha256
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig
from seedx_sdk.model.grids import READ_GRIDS
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = ["CheckpointInitial", "Description", "LlamaInitial"]


@dataclass(frozen=True, slots=True)
class Description:
    """What a model is, without its weights."""

    config: DirectoryConfig
    llm: LlamaConfig

    @property
    def num_tokens(self) -> int:
        """Image tokens of an image."""
        return self.config.lvlm.output_resampler.num_queries

    def on_meta(self) -> tuple[LVLM, VisualEncoder]:
        """Return the model on the meta device."""
        with torch.device("meta"):
            return LVLM(LlamaForCausalLM(self.llm), self.config.lvlm), VisualEncoder(self.config.visual_encoder)


class CheckpointInitial(Config):
    """A model of ours: a checkpoint directory, whose de-tokenizer is not read."""

    kind: Literal["checkpoint"] = "checkpoint"
    directory: Path

    def describe(self) -> Description:
        """Return the model's sizes; a directory that is not there counts as the released foundation model.

        Raises:
            WeightsMissingError: If the directory is there and has no config.json.
            WeightsCorruptError: If it can't be understood.
        """
        if not self.directory.exists():
            return _released()
        config = DirectoryConfig.read(self.directory)
        return Description(config, LlamaConfig.from_pretrained(self.directory / "llm"))

    def load(self, dtype: torch.dtype) -> tuple[LVLM, VisualEncoder]:
        """Return the model on the CPU, in the given type.

        Raises:
            ConfigError: If the directory is missing.
            WeightsMissingError: If a file is missing.
            WeightsCorruptError: If a file was cut short or changed.
        """
        _check_there("stage.initial.directory", self.directory)
        return load_lvlm(self.directory, dtype=dtype), load_visual_encoder(self.directory, dtype=dtype)

    @property
    def tokenizer_directory(self) -> Path:
        """Where the tokenizer is."""
        return self.directory / "llm"

    def frozen_parts(self) -> list[Path]:
        """Return the folders of the checkpoint directory that no multimodal stage changes."""
        return [self.directory / "visual_encoder", *sorted(self.directory.glob("detokenizer*"))]

    def encoder_hash(self) -> str:
        """Return what identifies the weights of the visual encoder."""
        files = DirectoryConfig.read(self.directory).files
        encoder = {name: digest for name, digest in files.items() if name.startswith("visual_encoder/")}
        return hashlib.sha256(json.dumps(encoder, sort_keys=True).encode()).hexdigest()


class LlamaInitial(Config):
    """A plain Llama, with new tokens, new resamplers and a pre-trained visual encoder: what pre-training starts from.

    The ablations of the paper's section 4.3 that concern the language model are arguments.
    """

    kind: Literal["llama"] = "llama"
    llm: Path
    """Folder of a Llama in the layout of Hugging Face (the paper: Llama-2-13b-chat)."""
    tokenizer: Path
    """Folder of the released tokenizer, which has the tokens of images and places."""
    visual_encoder: Path
    """qwen_vit_G.pt of the reference, or the `visual_encoder` folder of a checkpoint directory."""
    detokenizer: Path | None = None
    """`detokenizer` or `detokenizer_edit` folder that goes into the resulting checkpoint directory; without one the
    directory can be trained further and not draw."""
    num_tokens: int = Field(64, gt=0)
    """Image tokens to read and queries to draw an image with. The paper compares 64 with 256, for which the vocabulary
    needs further names; 32 and 16 make room for longer documents."""
    output_depth: int = Field(1, gt=0)
    """Layers of cross-attention that regress features; the paper found more than one worse."""
    heads: int = Field(32, gt=0)
    """Of both resamplers. Source: configs/clm_models/agent_seed_x_i.yaml."""
    regression: Literal["mse", "cosine"] = "mse"
    """Distance between regressed features and the encoder's. Source: as above."""
    name: str = "seed-x"
    """Of the model that is made."""
    seed: int = Field(0, ge=0)
    """Of the new weights."""

    def describe(self) -> Description:
        """Return the model's sizes; what is not there counts as what was released.

        Raises:
            ConfigError: If the number of tokens does not fit the encoder or the vocabulary.
            ModelError: If the visual encoder's file is another one.
        """
        encoder = QWEN_VIT_G if not self.visual_encoder.exists() else _encoder_config(self.visual_encoder)
        llm = LlamaConfig.from_pretrained(self.llm) if self.llm.exists() else LlamaConfig(**LLAMA_2_13B)
        if self.tokenizer.exists():
            llm.vocab_size = len(self._tokenizer())
        if encoder.n_queries % self.num_tokens:
            raise ConfigError(
                f"stage.initial.num_tokens {self.num_tokens} does not divide the encoder's {encoder.n_queries} "
                "features, which are averaged to as many targets; use 16, 32, 64 or 256"
            )
        inside, outside = encoder.output_dim, llm.hidden_size
        read = ResamplerConfig.for_queries(self.num_tokens, embed_dim=outside, num_heads=self.heads, kv_dim=inside)
        draw = ResamplerConfig.for_queries(
            self.num_tokens, embed_dim=inside, num_heads=self.heads, kv_dim=outside, depth=self.output_depth
        )
        lvlm = LVLMConfig(
            input_resampler=read,
            output_resampler=draw,
            add_patch_pos=True,
            vit_down=self.num_tokens < encoder.n_queries,
            rec_loss=self.regression,
            lm_loss_scale=1.0,
            rec_loss_scale=6.0,
        )
        return Description(_directory_config(self.name, encoder, lvlm), llm)

    def load(self, dtype: torch.dtype) -> tuple[LVLM, VisualEncoder]:
        """Return the model on the CPU: Llama in the given type, new rows for new tokens, new resamplers.

        Raises:
            ConfigError: If a folder or file is missing.
            ModelError: If the visual encoder's file is another one, or damaged.
        """
        for name in ("llm", "tokenizer", "visual_encoder", "detokenizer"):
            if (path := getattr(self, name)) is not None:
                _check_there(f"stage.initial.{name}", path)
        described = self.describe()
        llm = _load_llm(self.llm, dtype)
        if described.llm.vocab_size < llm.config.vocab_size:
            raise ConfigError(
                f"{self.tokenizer} names {described.llm.vocab_size} tokens, but {self.llm} has "
                f"{llm.config.vocab_size}; use a tokenizer that extends that of the language model"
            )
        grow_vocabulary(llm, described.llm.vocab_size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            lvlm = LVLM(llm, described.config.lvlm)
        encoder = VisualEncoder(described.config.visual_encoder)
        encoder.load_state_dict(read_tensors(list_tensors(_encoder_files(self.visual_encoder))))
        return lvlm, encoder

    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_pretrained(self.tokenizer)
        try:
            tokenizer.token_ids(self.num_tokens)
        except KeyError as error:
            raise ConfigError(
                f"{self.tokenizer} has no names for {self.num_tokens} image tokens: {error}; lower "
                "stage.initial.num_tokens or add them"
            ) from error
        return tokenizer

    @property
    def tokenizer_directory(self) -> Path:
        """Where the tokenizer is."""
        return self.tokenizer

    def frozen_parts(self) -> list[Path]:
        """Return the folders that a checkpoint directory takes over as they are."""
        encoder = [self.visual_encoder] if self.visual_encoder.is_dir() else []
        return encoder if self.detokenizer is None else [*encoder, self.detokenizer]

    def encoder_hash(self) -> str:
        """Return what identifies the weights of the visual encoder."""
        digests = [sha256(path) for path in _encoder_files(self.visual_encoder)]
        return hashlib.sha256("".join(digests).encode()).hexdigest()


def _load_llm(directory: Path, dtype: torch.dtype) -> LlamaForCausalLM:
    with quiet_libraries():
        llm: LlamaForCausalLM = LlamaForCausalLM.from_pretrained(directory, dtype=dtype)
    return llm


def _encoder_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.safetensors")) if path.is_dir() else [path]


def _encoder_config(path: Path) -> VisualEncoderConfig:
    """Return the sizes that config.json of a checkpoint directory gives, or else those that the shapes show."""
    directory = path.parent
    if path.is_dir() and (directory / "config.json").is_file():
        return DirectoryConfig.read(directory).visual_encoder
    return visual_encoder_config(list_tensors(_encoder_files(path)))


def _released() -> Description:
    side = math.isqrt(64)
    lvlm = LVLMConfig(
        input_resampler=ResamplerConfig(grid_size=side, embed_dim=5120, num_heads=32, kv_dim=4096),
        output_resampler=ResamplerConfig(grid_size=side, embed_dim=4096, num_heads=32, kv_dim=5120),
        add_patch_pos=True,
        vit_down=True,
        rec_loss="mse",
        lm_loss_scale=1.0,
        rec_loss_scale=6.0,
    )
    return Description(_directory_config("seed-x", QWEN_VIT_G, lvlm), LlamaConfig(**LLAMA_2_13B))


def _directory_config(name: str, encoder: VisualEncoderConfig, lvlm: LVLMConfig) -> DirectoryConfig:
    return DirectoryConfig(
        name=name,
        visual_encoder=encoder,
        lvlm=lvlm,
        read_grids=READ_GRIDS,
        image_size=IMAGE_SIZE,
        sizes=SIZES,
        in_domain_psnr=None,
        generation=GENERATION,
        files={},
        prompts="base",
    )


def _check_there(name: str, path: Path) -> None:
    if not path.exists():
        raise ConfigError(f"{name} is '{path}', which does not exist; set it to where the weights are")
