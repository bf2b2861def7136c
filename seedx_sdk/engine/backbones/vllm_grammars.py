"""What vLLM's guidance backend (llguidance) holds an answer to.

Of vLLM's backends it is the one that refuses a schema with a keyword that it does not keep; xgrammar ignores many.
"""

from __future__ import annotations

import json
from typing import Any

from vllm.sampling_params import StructuredOutputsParams
from vllm.v1.structured_output.backend_guidance import process_for_additional_properties

from seedx_sdk.engine.backbones.base import StructuredOutput

__all__ = ["STRUCTURED_OUTPUTS_CONFIG", "structured_outputs"]

STRUCTURED_OUTPUTS_CONFIG = {"backend": "guidance", "disable_any_whitespace": True}
"""For vLLM. With white space, a model may write it between two parts of a JSON answer until its budget ends."""


def structured_outputs(output: StructuredOutput | None) -> StructuredOutputsParams | None:
    """Return vLLM's parameters.

    Objects get no properties beside those that the schema names, or a model may write more and more of them. Where
    parts of a schema complete each other, as with `allOf`, this would exclude what another part names, so it does not
    apply.
    """
    if output is None:
        return None
    if output.json_schema is None:
        return StructuredOutputsParams(grammar=output.grammar)
    schema = json.loads(output.json_schema)
    return StructuredOutputsParams(
        json=json.dumps(schema if _combines(schema) else process_for_additional_properties(schema))
    )


def _combines(node: Any) -> bool:
    """Whether an object of a schema may be described in several places at once."""
    if isinstance(node, list):
        return any(map(_combines, node))
    if not isinstance(node, dict):
        return False
    combined = "allOf" in node or ("properties" in node and not node.keys().isdisjoint(("$ref", "anyOf", "oneOf")))
    return combined or any(map(_combines, node.values()))
