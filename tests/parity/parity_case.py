"""A golden case and the comparison of what we compute with what it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


class CaseError(Exception):
    """The case's own files are damaged or incomplete."""


@dataclass(kw_only=True)
class Case:
    """One case: a JSON file, and a safetensors file beside it if it holds tensors."""

    kind: str
    name: str
    directory: Path
    config: dict[str, Any]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    tensors: dict[str, Tensor]
    atol: float
    rtol: float

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a case and check it against the hash, names, types and shapes in its JSON."""
        record = json.loads(path.read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = {}
        listed = record.get("tensors", {})
        weights = path.with_suffix(".safetensors")
        if listed or record.get("n_weight_tensors"):
            if not weights.is_file():
                raise CaseError(f"{weights.name} is missing")
            if "sha256_safetensors" in record and sha256(weights) != record["sha256_safetensors"]:
                raise CaseError(f"{weights.name} does not have the sha256 that {path.name} names")
            tensors = load_file(weights)
        found = {
            name: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
            for name, tensor in tensors.items()
            if not name.startswith("weights/")
        }
        if found != listed:
            raise CaseError(f"{weights.name} does not hold the tensors that {path.name} lists")
        if len(tensors) - len(found) != record.get("n_weight_tensors", 0):
            raise CaseError(f"{weights.name} does not hold {record['n_weight_tensors']} weights")
        tolerance = record.get("tolerance", {"atol": 0.0, "rtol": 0.0})
        return cls(
            kind=record["kind"],
            name=record["name"],
            directory=path.parent,
            config=record["config"],
            inputs=record.get("inputs", {}),
            outputs=record.get("outputs", {}),
            tensors=tensors,
            atol=tolerance["atol"],
            rtol=tolerance["rtol"],
        )

    def input(self, name: str) -> Tensor:
        """Return an input tensor."""
        return self.tensors[f"inputs/{name}"]

    def has_input(self, name: str) -> bool:
        """Whether there is such an input tensor."""
        return f"inputs/{name}" in self.tensors

    def weights(self, prefix: str = "") -> dict[str, Tensor]:
        """Return the weights below a prefix as float32, prefix removed."""
        start = f"weights/{prefix}"
        return {
            name.removeprefix(start): tensor.float() for name, tensor in self.tensors.items() if name.startswith(start)
        }


@dataclass
class Report:
    """Collects comparisons of one case; every output that the case holds must be compared."""

    case: Case
    max_abs: float = 0.0
    max_rel: float = 0.0
    problems: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def expects(self, name: str) -> bool:
        """Whether the case holds this output, as a tensor or in the JSON."""
        return f"outputs/{name}" in self.case.tensors or name in self.case.outputs

    def close(self, name: str, ours: Tensor, *, atol: float | None = None) -> None:
        """Compare a tensor within the case's tolerance (or `atol` alone)."""
        expected = self._expected_tensor(name).double()
        ours = ours.detach().double()
        if ours.shape != expected.shape and ours.numel() == expected.numel() <= 1:
            ours = ours.reshape(expected.shape)  # a scalar as shape () or (1,), or nothing at all
        if ours.shape != expected.shape:
            self.problems.append(f"{name}: shape {tuple(ours.shape)} instead of {tuple(expected.shape)}")
            return
        if not expected.numel():
            return
        error = (ours - expected).abs()
        if atol is None:  # errors of another unit would hide the others
            self.max_abs = max(self.max_abs, error.max().item())
            self.max_rel = max(self.max_rel, error.max().item() / max(expected.abs().max().item(), 1e-12))
        bound = self.case.atol + self.case.rtol * expected.abs() if atol is None else torch.full_like(expected, atol)
        if not bool((error <= bound).all()):  # also false for nan
            self.problems.append(f"{name}: differs by {error.max().item():.3g}")

    def equal(self, name: str, ours: Any) -> None:
        """Compare an output exactly: a JSON value, or a tensor of integers, booleans or listed values."""
        expected: Any
        if f"outputs/{name}" in self.case.tensors:
            expected = self._expected_tensor(name).tolist()
            ours = ours.tolist() if isinstance(ours, Tensor) else ours
        else:
            self._seen.add(name)
            expected = self.case.outputs.get(name)
        if ours != expected:
            self.problems.append(f"{name}: {_short(ours)} instead of {_short(expected)}")

    def close_number(self, name: str, ours: float) -> None:
        """Compare a number of the JSON within the case's tolerance."""
        self._seen.add(name)
        self.check_number(name, ours, self.case.outputs[name])

    def check_number(self, label: str, ours: float, expected: float) -> None:
        """Compare a number that stands inside of an output."""
        error = abs(ours - expected)
        self.max_abs = max(self.max_abs, error)
        self.max_rel = max(self.max_rel, error / max(abs(expected), 1e-12))
        if not error <= self.case.atol + self.case.rtol * abs(expected):
            self.problems.append(f"{label}: {ours} instead of {expected}")

    def check(self, label: str, ours: Any, expected: Any) -> None:
        """Compare a value that stands inside of an output, or an input that we can compute too."""
        if ours != expected:
            self.problems.append(f"{label}: {_short(ours)} instead of {_short(expected)}")

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of a table case and mark them as compared."""
        self._seen.add("rows")
        rows: list[dict[str, Any]] = self.case.outputs["rows"]
        if not rows:
            self.problems.append("the table is empty")
        return rows

    def finish(self) -> list[str]:
        """Return all problems, outputs that nothing was compared with included."""
        held = {name.removeprefix("outputs/") for name in self.case.tensors if name.startswith("outputs/")}
        forgotten = sorted((held | set(self.case.outputs)) - self._seen)
        return self.problems + [f"{name}: not compared" for name in forgotten]

    def _expected_tensor(self, name: str) -> Tensor:
        self._seen.add(name)
        return self.case.tensors[f"outputs/{name}"]


def known_fields(row: Mapping[str, Any], allowed: set[str], report: Report) -> None:
    """Note fields of a table row that nothing would be compared with."""
    if extra := sorted(set(row) - allowed):
        report.problems.append(f"rows: fields {extra} are not compared")


def sha256(path: Path) -> str:
    """Return the file's hash as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
