"""What the tools that revise a saved deck have in common."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from seedx_tools.arguments import InputPath, OutputPath, output_path
from seedx_tools.catalog.slide_files import SlideFilesArgs
from seedx_tools.tool import SavingArgs


class RevisionArgs(SlideFilesArgs, SavingArgs):
    """Arguments of all tools that revise a deck; `output` is `path` if it is left out."""

    path: InputPath = Field(examples=["deck.pptx"], description="The saved .pptx, of these tools or of PowerPoint.")
    output: OutputPath | None = Field(
        default=None,
        validate_default=True,
        description="Where to save the new deck; must end in .pptx. Omit to save it under the same path.",
    )
    pictures: bool = Field(default=True, description="Whether the model may generate images for the new slides.")
    seed: int = Field(default=0, ge=0, description="Change it to get other images.")

    @field_validator("output")
    @classmethod
    def _same_path(cls, output: str | None, info: ValidationInfo) -> str | None:
        if output is None and "path" in info.data:
            return output_path(info.data["path"], info)
        return output
