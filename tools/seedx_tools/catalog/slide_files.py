"""The files that the Markdown of slides names, for the tools that take such Markdown."""

from __future__ import annotations

from typing import Self

from pydantic import PrivateAttr, ValidationInfo, model_validator

from seedx_tools.decks.planners.assets import FindFile
from seedx_tools.tool import ToolArgs
from seedx_tools.workspace import Workspace

FILES_HELP = "![what it shows](photo.png) shows an image file, or an image by its name (image:1)"
"""For the description of an argument that takes the Markdown of slides."""


class SlideFilesArgs(ToolArgs):
    """Base class of the arguments of tools whose Markdown may name images and CSV files of the workspace."""

    _find_file: FindFile | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _keep_workspace(self, info: ValidationInfo) -> Self:
        if isinstance(info.context, Workspace):
            self._find_file = info.context.resolve_image
        return self

    @property
    def find_file(self) -> FindFile | None:
        """What finds the files in the workspace of the call; None: no file is read."""
        return self._find_file
