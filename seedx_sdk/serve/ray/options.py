"""The options of a deployment: the model and its replicas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import InputError
from seedx_sdk.serve.settings import ServerSettings

__all__ = ["DeployOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployOptions:
    """A deployment: the model, its replicas, and the settings of the HTTP server."""

    model: Path
    """A checkpoint directory that every machine of the cluster reads under this path."""
    backbone: Literal["transformers", "vllm"]
    """Backend of the language model; transformers answers one prompt at a time."""
    backbones: int = 1
    """Replicas of the language model."""
    tensor_parallel: int = 1
    """GPUs, or CPUs, of one machine that share one language model."""
    detokenizers: tuple[int, int] = (1, 1)
    """Minimum and maximum number of replicas that encode and generate images; Ray Serve scales between them by load."""
    served: EngineOptions = EngineOptions(device="cpu")
    """Device, limits, placement and specialists of every replica; the device is explicit, as replicas run elsewhere."""
    vllm: VLLMOptions | None = None
    """Options of vLLM; None is `EngineOptions.for_vllm`."""
    settings: ServerSettings = ServerSettings()
    """Limits and keys of the HTTP server."""
    drain_seconds: float = 600.0
    """How long a replica that is being replaced may finish its requests."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        low, high = self.detokenizers
        if self.backbones < 1 or not 1 <= low <= high:
            raise InputError(
                f"{self.backbones} backbones and {low}..{high} de-tokenizers cannot be deployed; "
                "use at least one of each, with the minimum first"
            )
        if self.tensor_parallel < 1 or (self.tensor_parallel > 1 and self.backbone != "vllm"):
            raise InputError(
                f"tensor_parallel {self.tensor_parallel} is not possible on {self.backbone}; use 1, or more on vllm"
            )

    @property
    def gpus(self) -> bool:
        """Whether replicas own GPUs."""
        return self.served.device != "cpu"

    @property
    def backbone_bundle(self) -> dict[str, float]:
        """Resources of one language model on one machine, in Ray's units; one CPU drives its GPUs."""
        return {"CPU": 1, "GPU": self.tensor_parallel} if self.gpus else {"CPU": self.tensor_parallel}

    @property
    def num_cpus(self) -> int:
        """CPUs that Ray reserves for the maximum number of replicas."""
        return self.backbones * int(self.backbone_bundle["CPU"]) + self.detokenizers[1]
