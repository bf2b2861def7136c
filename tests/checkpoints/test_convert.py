"""Converting a tiny copy of the released files: same numbers, nothing skipped, nothing half-written."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from seedx_sdk import ModelError, OutputPathError, SeedX, SeedXError, WeightsCorruptError, WeightsMissingError
from seedx_sdk.checkpoints.convert import convert, plan_conversion
from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.checkpoints.released import read_released
from seedx_sdk.checkpoints.released_configs import detokenizer_resampler_sizes, lvlm_config, visual_encoder_config
from seedx_sdk.checkpoints.tensor_files import TensorSource
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.released_tree import LAYERS, TOKENIZER, Tree, rewrite

pytestmark = pytest.mark.filterwarnings(
    # The schedulers of diffusers turn tensors into arrays in a way that NumPy 2 is about to change.
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
HERE = Path(__file__).parent
SHAPES = json.loads((HERE / "released_shapes.json").read_text(encoding="utf-8"))["files"]
AGENT, SDXL = "seed_x_i/agent/pytorch_model.bin", "stable-diffusion-xl-base-1.0"
FIRST, SECOND = (f"seed_detokenizer/{stage}/pytorch_model.bin" for stage in ("first_stage", "second_stage"))
SHARD = "seed_x_i/llm/pytorch_model-00002-of-00003.bin"


def _names(part: str, blocks: int | None = None) -> dict[str, list[int]]:
    """Return names and shapes of a released file, with as many blocks as it has or as given."""
    return {
        name.replace("{i}", str(i)): shape
        for name, (shape, count) in SHAPES[part]["names"].items()
        for i in range(blocks if blocks and "{i}" in name else count)
    }


def _unchanged(parts: ModelParts, tree: Tree, stage: str = "second_stage") -> None:
    """Assert that the loaded modules compute exactly what those of the source files do."""
    pixels = torch.randn(2, 3, 448, 448, generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([[1, 400, 401, 402]])
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    ours, theirs = parts.detokenizer, tree.detokenizers[stage]
    image = Image.linear_gradient("L").convert("RGB") if stage == "second_stage" else None
    with torch.inference_mode():
        features = tree.visual_encoder(pixels)
        torch.testing.assert_close(parts.visual_encoder(pixels), features, rtol=0, atol=0)
        for model in (parts.lvlm, tree.lvlm):
            model.eval()
        hidden = tree.lvlm.run_llm(tree.lvlm.embed(ids))
        torch.testing.assert_close(parts.lvlm.run_llm(parts.lvlm.embed(ids)), hidden, rtol=0, atol=0)
        torch.testing.assert_close(parts.lvlm.logits(hidden), tree.lvlm.logits(hidden), rtol=0, atol=0)
        wide = torch.cat([hidden] * 16, dim=1)
        torch.testing.assert_close(parts.lvlm.regress(wide), tree.lvlm.regress(wide), rtol=0, atol=0)
        read = tree.lvlm.input_resampler(features)
        torch.testing.assert_close(parts.lvlm.input_resampler(features), read, rtol=0, atol=0)
        assert parts.lvlm.patch_pos_embed is not None and tree.lvlm.patch_pos_embed is not None
        assert torch.equal(parts.lvlm.patch_pos_embed, tree.lvlm.patch_pos_embed)
        images = [
            pipeline(
                features[:1],
                features[1:],
                condition_image=image,
                latents=latents,
                height=128,
                width=128,
                num_inference_steps=3,
                output_type="np",
                return_dict=False,
            )[0]
            for pipeline in (ours, theirs)
        ]
    assert (images[0] == images[1]).all()


# What the copy and the configs say, against the released names and shapes


def test_the_tiny_copy_has_every_kind_of_name(built: Tree) -> None:
    plan = plan_conversion(built.path)
    tensors = plan.released.parts
    assert set(tensors["visual_encoder"]) == set(_names("QwenViT/qwen_vit_G.pt", LAYERS))
    assert set(tensors["projectors"]) == set(_names("agent non-llm part"))
    llm = set(_names("llm (HF names)", LAYERS))
    unused = {name.partition(": ")[2] for names in plan.released.unused.values() for name in names}
    assert set(tensors["llm"]) | unused == llm
    for ours, stage in (("detokenizer", "first_stage"), ("detokenizer_edit", "second_stage")):
        released = {
            re.sub(r"^resampler\.", "", name)
            for name in _names(f"seed_detokenizer/{stage}", LAYERS)
            if "unet." not in name
        }
        assert set(tensors[f"{ours}/resampler"]) == released


def test_sizes_are_read_off_the_released_shapes() -> None:
    def places(part: str) -> dict[str, TensorSource]:
        return {
            name.removeprefix("resampler."): TensorSource(Path(part), name, torch.empty(shape, device="meta"))
            for name, shape in _names(part).items()
        }

    encoder = visual_encoder_config(places("QwenViT/qwen_vit_G.pt"))
    assert encoder.to_dict() == {
        "image_size": 448,
        "patch_size": 14,
        "width": 1664,
        "layers": 48,
        "heads": 16,
        "mlp_ratio": 4.9231,
        "n_queries": 256,
        "output_dim": 4096,
        "pool_heads": 32,
        "layer_norm_eps": 1e-6,
        "num_positions": 256,
    }
    lvlm = lvlm_config(places("agent non-llm part"))
    assert (lvlm.input_resampler.embed_dim, lvlm.input_resampler.kv_dim, lvlm.input_resampler.grid_size) == (
        5120,
        4096,
        8,
    )
    assert (lvlm.output_resampler.embed_dim, lvlm.output_resampler.kv_dim) == (4096, 5120)
    assert detokenizer_resampler_sizes(places("seed_detokenizer/second_stage")) == {
        "dim": 1024,
        "depth": 4,
        "dim_head": 64,
        "heads": 16,
        "num_queries": 64,
        "embedding_dim": 4096,
        "output1_dim": 768,
        "output2_dim": 1280,
        "ff_mult": 4,
    }


# Same numbers


def test_a_converted_model_computes_what_the_source_does(built: Tree, tmp_path: Path) -> None:
    config = convert(plan_conversion(built.path), tmp_path / "model")
    assert (config.name, config.image_size, config.in_domain_psnr, len(config.read_grids)) == (
        "seed-x-i",
        1024,
        None,
        8,
    )
    assert (config.visual_encoder, config.lvlm) == (built.visual_encoder.config, built.lvlm.config)
    assert config.generation.to_dict() == {
        "num_inference_steps": 50,
        "guidance_scale": 7.5,
        "image_guidance_scale": 1.5,
        "max_new_tokens": 512,
        "temperature": 0.0,
        "stop_repeats": False,
        "edit_blending": False,
        "fast": None,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    assert not list((tmp_path / "model").rglob("*.partial")) + list((tmp_path / "model").rglob("*.state"))
    _unchanged(load_directory(tmp_path / "model"), built)


def test_a_request_gets_the_same_answer_as_from_the_source_modules(built: Tree, tmp_path: Path) -> None:
    convert(plan_conversion(built.path), tmp_path / "model")
    converted = SeedX(model=tmp_path / "model")
    source = ModelParts(
        config=load_directory(tmp_path / "model").config,
        tokenizer=Tokenizer.from_pretrained(TOKENIZER),
        visual_encoder=built.visual_encoder,
        lvlm=built.lvlm,
        detokenizer=built.detokenizers["second_stage"],
    )

    @asynccontextmanager
    async def engine() -> AsyncIterator[InterleavedEngine]:
        backbone = TransformersBackbone(source.lvlm, {}, source.tokenizer.ids)
        async with LocalImageService(source, limits=ServiceLimits(max_wait_ms=0)) as service:
            yield InterleavedEngine(backbone, service)

    reference = SeedX(engine=engine())
    image = Image.linear_gradient("L").convert("RGB")
    for client in (converted, reference):
        client.info  # noqa: B018  # loads it
    images = [
        client.generate("a dog", width=64, height=64, num_inference_steps=2, seed=3)
        for client in (converted, reference)
    ]
    assert images[0].image is not None and images[1].image is not None
    assert images[0].image.tobytes() == images[1].image.tobytes()
    assert (images[0].text, images[0].model) == (images[1].text, "seed-x-i")
    edited = [
        client.edit(image, "make it red", width=64, height=64, num_inference_steps=2)
        for client in (converted, reference)
    ]
    assert edited[0].image.tobytes() == edited[1].image.tobytes()
    texts = [client.describe(image, "what is it?", max_new_tokens=12).text for client in (converted, reference)]
    assert texts[0] == texts[1]


def _agent_with_llm(tree: Tree) -> None:
    """Put other weights into the LLM's directory, and the right ones into the agent file."""
    llm = {f"llm.{k}": v.half() for k, v in tree.lvlm.llm.state_dict().items()}
    old = {"llm.model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8), "visual_encoder.proj": torch.ones(2)}
    rewrite(tree.path / AGENT, lambda state: state.update(llm | old))
    for path in (tree.path / "seed_x_i" / "llm").glob("*.bin"):
        rewrite(path, lambda state: [value.zero_() for value in state.values()])


def _safetensors(tree: Tree) -> None:
    for path in [*tree.path.rglob("*.bin"), *tree.path.rglob("*.pt")]:
        named = "model.safetensors" if path.name == "pytorch_model.bin" else path.with_suffix(".safetensors").name
        save_file(torch.load(path), path.with_name(named))
        path.unlink()
    index = tree.path / "seed_x_i" / "llm" / "pytorch_model.bin.index.json"
    index.with_name("model.safetensors.index.json").write_text(index.read_text().replace(".bin", ".safetensors"))
    index.unlink()


def _qwen(tree: Tree) -> None:
    vit = tree.path / "QwenViT" / "qwen_vit_G.pt"
    state = {f"transformer.visual.{name}": value for name, value in torch.load(vit).items()}
    (tree.path / "Qwen-VL-Chat").mkdir()
    torch.save(state | {"lm_head.weight": torch.ones(3)}, tree.path / "Qwen-VL-Chat" / "pytorch_model.bin")
    shutil.rmtree(vit.parent)


def _old_format(tree: Tree) -> None:
    vit = tree.path / "QwenViT" / "qwen_vit_G.pt"
    torch.save(torch.load(vit), vit, _use_new_zipfile_serialization=False)


def _old_padding(tree: Tree) -> None:
    _config("seed_x_i/llm/config.json", pad_token_id=-1, _name_or_path="elsewhere/llm")(tree.path)


def _views(tree: Tree) -> None:
    """Tensors that share memory, as a tied head or slices of a larger tensor do."""
    state = torch.load(tree.path / AGENT)
    whole = torch.cat([state["input_resampler.ln_q.weight"], state["input_resampler.ln_q.bias"]])
    state["input_resampler.ln_q.weight"], state["input_resampler.ln_q.bias"] = torch.split(whole, 64)
    torch.save(state, tree.path / AGENT)


@pytest.mark.parametrize("change", [_agent_with_llm, _safetensors, _qwen, _old_format, _old_padding, _views])
def test_other_forms_of_the_same_files_give_the_same_model(
    change: Callable[[Tree], None], tree: Tree, tmp_path: Path
) -> None:
    change(tree)
    convert(plan_conversion(tree.path), tmp_path / "model")
    _unchanged(load_directory(tmp_path / "model"), tree)


def test_what_is_left_out_is_listed_with_its_reason(tree: Tree) -> None:
    _agent_with_llm(tree)
    unused = read_released(tree.path).unused
    counts = {reason.partition(";")[0].partition(",")[0]: len(names) for reason, names in unused.items()}
    assert counts == {
        "rotary frequencies follow from the config": LAYERS + 1,
        "a second copy: the visual encoder has a file of its own": 1,
        "the agent file holds it too": 9 * LAYERS + 3,
    }
    _qwen(tree)
    assert read_released(tree.path).unused["Qwen-VL's own language model"] == [
        "Qwen-VL-Chat/pytorch_model.bin: lm_head.weight"
    ]


@pytest.mark.parametrize(("gone", "stage"), [(FIRST, "second_stage"), (SECOND, "first_stage")])
def test_one_stage_of_the_detokenizer_is_enough(gone: str, stage: str, tree: Tree, tmp_path: Path) -> None:
    shutil.rmtree((tree.path / gone).parent)
    convert(plan_conversion(tree.path), tmp_path / "model")
    _unchanged(load_directory(tmp_path / "model"), tree, stage)


def test_parts_can_lie_in_several_files(built: Tree, tmp_path: Path) -> None:
    plan = replace(plan_conversion(built.path), max_shard_bytes=100_000)
    convert(plan, tmp_path / "model")
    for part in ("llm", "visual_encoder", "projectors", "detokenizer_edit/unet"):
        assert len(list((tmp_path / "model" / part).glob("*.safetensors"))) > 1
    _unchanged(load_directory(tmp_path / "model"), built)


@pytest.mark.parametrize(
    ("name", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16), ("fp32", torch.float32)]
)
def test_weights_are_written_in_the_type_asked_for(name: str, dtype: torch.dtype, built: Tree, tmp_path: Path) -> None:
    convert(plan_conversion(built.path, dtype=name), tmp_path / "model")
    encoder = load_file(tmp_path / "model" / "visual_encoder" / "model.safetensors")
    assert {k: v.dtype for k, v in encoder.items()} == {
        k: torch.float32 if k == "attn_pool.pos_embed" else dtype for k in encoder
    }
    assert json.loads((tmp_path / "model" / "llm" / "config.json").read_text())["dtype"] == str(dtype)[6:]
    loaded = load_directory(tmp_path / "model")
    torch.testing.assert_close(loaded.visual_encoder.proj, built.visual_encoder.proj.to(dtype).float(), rtol=0, atol=0)


@pytest.mark.parametrize("variant", ["seed_x", "seed_x_edit"])
def test_each_variant_becomes_a_directory_of_its_own(variant: str, tree: Tree, tmp_path: Path) -> None:
    shutil.copytree(tree.path / "seed_x_i", tree.path / variant)
    config = convert(plan_conversion(tree.path, variant=variant), tmp_path / "model")
    assert config.name == variant.replace("_", "-")
    assert config.prompts == ("base" if variant == "seed_x" else "instruct")
    seedx = SeedX(model=tmp_path / "model")
    assert ("edit" in seedx.info.tasks) == (variant != "seed_x")
    seedx.close()
    assert plan_conversion(tree.path).released.variant == "seed_x_i"


# Refusals: typed, one cause each, and nothing is written


def _delete(name: str) -> Callable[[Path], object]:
    return lambda path: shutil.rmtree(path / name) if (path / name).is_dir() else (path / name).unlink()


def _edit(name: str, edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    return lambda path: rewrite(path / name, edit)


def _cut(name: str, keep: float) -> Callable[[Path], object]:
    def cut(path: Path) -> None:
        data = (path / name).read_bytes()
        (path / name).write_bytes(data[: int(len(data) * keep)])

    return cut


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return open, ("code-was-run", "w")  # type: ignore[return-value]


def _pickled_code(path: Path) -> None:
    (path / AGENT).write_bytes(pickle.dumps({"patch_pos_embed": _Evil()}, protocol=2))


def _zipped_code(path: Path) -> None:
    torch.save({"patch_pos_embed": _Evil()}, path / AGENT)


def _config(name: str, **values: object) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        (path / name).write_text(json.dumps(json.loads((path / name).read_text()) | values))

    return change


REFUSALS: list[tuple[Callable[[Path], object], type[SeedXError], str]] = [
    (
        _delete("seed_x_i"),
        WeightsMissingError,
        "none of the released models; expected one of seed_x_i, seed_x, seed_x_edit",
    ),
    (_delete("seed_x_i/agent"), WeightsMissingError, "agent holds no weights; expected one of model.safetensors"),
    (_delete("seed_x_i/llm/config.json"), WeightsMissingError, "llm has no config.json"),
    (_delete(SHARD), WeightsMissingError, "lacks pytorch_model-00002-of-00003.bin, which its index names"),
    (_delete("QwenViT"), WeightsMissingError, "QwenViT holds no weights; expected one of qwen_vit_G"),
    (_delete("seed_detokenizer"), WeightsMissingError, "has neither second_stage nor first_stage"),
    (_delete(f"{SDXL}/vae"), WeightsMissingError, "vae holds no weights"),
    (_delete(f"{SDXL}/scheduler"), WeightsMissingError, "scheduler has no scheduler_config.json"),
    (
        _delete("cvlm_llama2_tokenizer_100img_and_224loc_addpatch/added_tokens.json"),
        WeightsMissingError,
        "has no added_tokens.json",
    ),
    (_delete("cvlm_llama2_tokenizer_100img_and_224loc_addpatch"), WeightsMissingError, "has no tokenizer.model"),
    (_cut("seed_x_i/llm/config.json", 0.5), WeightsCorruptError, "llm/config.json is no JSON"),
    (_cut(AGENT, 0), WeightsCorruptError, "pytorch_model.bin .0 bytes. can't be read"),
    (
        _cut(f"{SDXL}/vae/diffusion_pytorch_model.safetensors", 0),
        WeightsCorruptError,
        "safetensors .0 bytes. can't be read",
    ),
    (_config("seed_x_i/llm/config.json", hidden_size=68), ModelError, "RoPE requires an even rotary dimension"),
    (_config("seed_x_i/llm/config.json", hidden_size="a"), ModelError, "expected int, got str"),
    (
        _config(f"{SDXL}/unet/config.json", block_out_channels=[8, 16, 32]),
        ModelError,
        "same number of `block_out_channels`",
    ),
    (_config(f"{SDXL}/vae/config.json", latent_channels=3), ModelError, "4 latent channels and the VAE has 3"),
    (
        _edit(AGENT, lambda s: s.update({"gate": torch.ones(1)})),
        ModelError,
        "'gate' in .*pytorch_model.bin has no place",
    ),
    (
        _edit(SHARD, lambda s: s.update({"model.layers.7.mlp.up_proj.weight": torch.ones(1)})),
        ModelError,
        "layers.7.*llm",
    ),
    (_edit(FIRST, lambda s: s.update({"text.weight": torch.ones(1)})), ModelError, "'text.weight' in .*no part"),
    (_edit(AGENT, lambda s: s.pop("patch_pos_embed")), ModelError, "'patch_pos_embed' of projectors is in none"),
    (_edit(FIRST, lambda s: s.pop("unet.conv_in.weight")), ModelError, "has no 'conv_in.weight'"),
    (
        _edit(AGENT, lambda s: s.update(patch_pos_embed=torch.ones(4, 65))),
        ModelError,
        r"\(4, 65\), .* asks for \(4, 64\)",
    ),
    (_edit(AGENT, lambda s: s.update(step=3)), ModelError, "holds a int under 'step'; only tensors are read"),
    (
        _config("seed_x_i/llm/config.json", intermediate_size=80),
        ModelError,
        r"\(96, 64\), .*config of llm asks for \(80, 64\)",
    ),
    (_config("seed_x_i/llm/config.json", vocab_size=701), ModelError, "number of tokens differ: 700 and 701"),
    (_config("seed_x_i/llm/config.json", hidden_size=80), ModelError, "the LLM's width differ: 64 and 80"),
    (
        _config(f"{SDXL}/unet/config.json", cross_attention_dim=48),
        ModelError,
        "width in detokenizer_edit differ: 48 and 40",
    ),
    (_cut(AGENT, 0.6), WeightsCorruptError, "can't be read, it was cut short or changed"),
    (_cut(SHARD, 0.9), WeightsCorruptError, "pytorch_model-00002-of-00003.bin .* cut short"),
    (_cut(f"{SDXL}/vae/diffusion_pytorch_model.safetensors", 0.5), WeightsCorruptError, "cut short"),
    (_cut("seed_x_i/llm/pytorch_model.bin.index.json", 0.5), WeightsCorruptError, "is no index of weight files"),
    (_pickled_code, ModelError, "pickled objects or code, which are never loaded"),
    (_zipped_code, ModelError, "pickled objects or code, which are never loaded"),
]


@pytest.mark.parametrize(("damage", "error", "message"), REFUSALS, ids=[message[:40] for _, _, message in REFUSALS])
def test_damaged_and_foreign_files_are_refused(
    damage: Callable[[Path], object], error: type[SeedXError], message: str, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree.path)
    damage(tree.path)
    with pytest.raises(error, match=message) as raised:
        plan_conversion(tree.path)
    assert type(raised.value) is error
    assert not Path("code-was-run").exists()


def test_a_variant_that_is_not_there_is_named(built: Tree) -> None:
    with pytest.raises(WeightsMissingError, match="holds seed_x_i; expected seed_x_edit"):
        plan_conversion(built.path, variant="seed_x_edit")


def test_an_existing_directory_is_not_touched(built: Tree, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(OutputPathError, match="exists already; remove it or choose another name"):
        convert(plan_conversion(built.path), tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "other.partial").mkdir()
    with pytest.raises(OutputPathError, match="other.partial' is in the way and no unfinished conversion"):
        convert(plan_conversion(built.path), tmp_path / "other")
