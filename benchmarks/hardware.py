"""The machine that a benchmark ran on, in words."""

from __future__ import annotations

import platform
from pathlib import Path

import diffusers
import torch


def describe(device: str = "cpu") -> str:
    """Processor or GPU, threads and versions."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else _cpu_name()
    return (
        f"{name}, {torch.get_num_threads()} CPU thread(s), torch {torch.__version__}, diffusers {diffusers.__version__}"
    )


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
