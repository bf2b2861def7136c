"""Conversions as programs: killed, out of disk, and how much memory they take."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seedx_sdk.checkpoints.convert import convert, plan_conversion
from seedx_sdk.checkpoints.directory import load_directory
from tests.support.released_tree import Tree

pytestmark = pytest.mark.filterwarnings(
    # The schedulers of diffusers turn tensors into arrays in a way that NumPy 2 is about to change.
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
HERE = Path(__file__).parent


def _run(code: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, with this checkout's packages."""
    start = f"import sys; sys.path[:0] = {[str(HERE.parents[1])]}\nfrom pathlib import Path\n"
    start += "from seedx_sdk.checkpoints.convert import ConversionPlan, convert, plan_conversion\n"
    command = [sys.executable, "-c", start + code, *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.nightly
def test_a_killed_run_resumes_to_the_same_bytes(built: Tree, tmp_path: Path) -> None:
    whole = convert(plan_conversion(built.path), tmp_path / "whole")
    code = """
import os, signal
def stop(done, total, file):
    if file.startswith("detokenizer_edit/unet"):
        os.kill(os.getpid(), signal.SIGKILL)
convert(plan_conversion(Path(sys.argv[1])), Path(sys.argv[2]), stop)
"""
    assert _run(code, built.path, tmp_path / "model").returncode == -9
    assert not (tmp_path / "model").exists()
    partial = tmp_path / "model.partial"
    done = {path: path.stat().st_ino for path in partial.rglob("*.safetensors")}
    assert sorted(path.parent.name for path in done) == ["llm", "projectors", "visual_encoder"]
    (partial / "detokenizer_edit" / "unet").mkdir(parents=True)
    (partial / "detokenizer_edit" / "unet" / "diffusion_pytorch_model.safetensors.partial").write_bytes(b"half")
    config = convert(plan_conversion(built.path), tmp_path / "model")
    assert {tmp_path / "model" / path.relative_to(partial): inode for path, inode in done.items()} == {
        path: path.stat().st_ino
        for path in (tmp_path / "model").rglob("*.safetensors")
        if path.parent.name in ("llm", "projectors", "visual_encoder")
    }
    assert config.files == whole.files
    assert not list((tmp_path / "model").rglob("*.partial"))


def test_a_run_with_other_options_starts_over(built: Tree, tmp_path: Path) -> None:
    def stop(_done: int, _total: int, file: str) -> None:
        if file.startswith("projectors"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(plan_conversion(built.path), tmp_path / "model", stop)
    convert(plan_conversion(built.path, dtype="bf16"), tmp_path / "model")
    assert load_file(tmp_path / "model" / "llm" / "model.safetensors")["lm_head.weight"].dtype == torch.bfloat16


def test_a_full_disk_is_one_error_and_the_run_can_resume(built: Tree, tmp_path: Path) -> None:
    code = """
import resource
plan = plan_conversion(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
convert(plan, Path(sys.argv[2]))
"""
    failed = _run(code, built.path, tmp_path / "model")
    last = failed.stderr.strip().splitlines()[-1]
    assert last.startswith("seedx_sdk.errors.OutputPathError: cannot write") and "it resumes where it stopped" in last
    assert not (tmp_path / "model").exists()
    whole = convert(plan_conversion(built.path), tmp_path / "whole")
    assert convert(plan_conversion(built.path), tmp_path / "model").files == whole.files


@pytest.mark.nightly
@pytest.mark.parametrize("rank", [0, 4], ids=["plain", "with LoRA to merge"])
def test_memory_does_not_grow_with_the_model(rank: int, tree: Tree, tmp_path: Path) -> None:
    """A model of twice the size, in files of the same size, takes no more memory."""
    write = """
import json, torch
from tests.support.released_tree import LLM, rewrite
directory, rank, num_files = Path(sys.argv[1]) / "seed_x_i" / "llm", int(sys.argv[2]), int(sys.argv[3])
directory.mkdir()
sizes = LLM | {"intermediate_size": 65_000, "num_hidden_layers": 2 * num_files}
(directory / "config.json").write_text(json.dumps(sizes))
from transformers import LlamaConfig, LlamaForCausalLM
with torch.device("meta"):
    names = LlamaForCausalLM(LlamaConfig(**sizes)).state_dict()
weight_map = {}
for number in range(num_files):
    file = f"pytorch_model-{number + 1:05}-of-{num_files:05}.bin"
    shard = [n for i, n in enumerate(names) if i * num_files // len(names) == number]
    torch.save({n: torch.empty(names[n].shape, dtype=torch.float16).fill_(0.5) for n in shard}, directory / file)
    weight_map |= dict.fromkeys(shard, file)
(directory / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
def add_lora(agent):
    for name in [name for name in names if name.endswith("_proj.weight")]:
        layer, (rows, columns) = f"llm.base_model.model.{name}".removesuffix(".weight"), names[name].shape
        agent[f"{layer}.lora_A.default.weight"] = torch.ones(rank, columns)
        agent[f"{layer}.lora_B.default.weight"] = torch.ones(rows, rank)
if rank:
    rewrite(directory.parent / "agent" / "pytorch_model.bin", add_lora)
"""
    measure = """
import json, re
def memory(name):
    return int(re.search(rf"{name}:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
def convert_by_files(source, target):
    released = plan_conversion(source, lora_alpha=1).released
    convert(ConversionPlan(released=released, dtype=None, max_shard_bytes=5 * 10**7), target)
    return memory("VmHWM")  # the highest so far
tiny, small, large, target = map(Path, sys.argv[1:])
convert(plan_conversion(tiny), target / "tiny model")  # loads what every conversion needs
before = memory("VmRSS")
peaks = [convert_by_files(source, target / f"{source.name} model") for source in (small, large)]
print(json.dumps([before, *peaks]))
"""
    trees = []
    for num_files in (3, 6):
        trees.append(tmp_path / str(num_files))
        shutil.copytree(tree.path, trees[-1])
        shutil.rmtree(trees[-1] / "seed_x_i" / "llm")
        done = _run(write, trees[-1], str(rank), str(num_files))
        assert done.returncode == 0, done.stderr
    done = _run(measure, tree.path, *trees, tmp_path)
    assert done.returncode == 0, done.stderr
    before, small, large = json.loads(done.stdout)
    num_bytes = [sum(path.stat().st_size for path in (tree / "seed_x_i" / "llm").glob("*.bin")) for tree in trees]
    growth = num_bytes[1] - num_bytes[0]
    assert growth > 145e6
    assert small - before > 25e6 and large - small < growth / 2
    llm = load_directory(tmp_path / "6 model").lvlm.causal_lm
    assert llm.lm_head.weight.unique().tolist() == [0.5]
    # B @ A of ones is the rank, times 1 / rank
    assert llm.model.layers[0].mlp.up_proj.weight.unique().tolist() == [1.5 if rank else 0.5]
