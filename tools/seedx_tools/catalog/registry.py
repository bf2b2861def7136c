"""All tools by name, for agents, adapters and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from seedx_tools.catalog.append_slides import APPEND_SLIDES
from seedx_tools.catalog.describe import DESCRIBE
from seedx_tools.catalog.detect import DETECT
from seedx_tools.catalog.edit import EDIT
from seedx_tools.catalog.edit_deck import EDIT_DECK
from seedx_tools.catalog.generate import GENERATE
from seedx_tools.catalog.make_slides import MAKE_SLIDES
from seedx_tools.catalog.read_deck import READ_DECK
from seedx_tools.catalog.revise_slide import REVISE_SLIDE
from seedx_tools.catalog.save_image import SAVE_IMAGE
from seedx_tools.catalog.tell_story import TELL_STORY
from seedx_tools.catalog.try_on import TRY_ON
from seedx_tools.tool import Tool

TOOLS: Mapping[str, Tool[Any, Any]] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            DESCRIBE,
            DETECT,
            GENERATE,
            EDIT,
            TRY_ON,
            SAVE_IMAGE,
            MAKE_SLIDES,
            REVISE_SLIDE,
            APPEND_SLIDES,
            READ_DECK,
            EDIT_DECK,
            TELL_STORY,
        )
    }
)
