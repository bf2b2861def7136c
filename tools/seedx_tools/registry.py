"""All tools by name; agents, the adapters and the command line read this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from seedx_tools.describe import DESCRIBE
from seedx_tools.detect import DETECT
from seedx_tools.edit import EDIT
from seedx_tools.generate import GENERATE
from seedx_tools.slides import MAKE_SLIDES
from seedx_tools.story import TELL_STORY
from seedx_tools.tool import Tool

TOOLS: Mapping[str, Tool[Any, Any]] = MappingProxyType(
    {tool.name: tool for tool in (DESCRIBE, DETECT, GENERATE, EDIT, MAKE_SLIDES, TELL_STORY)}
)
