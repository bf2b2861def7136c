"""What a tool says when it could not do its work.

    SeedXError
    +-- ToolRetry    the arguments were wrong: fix them and call again
    +-- ToolFailed   the tool cannot do this: stop, tell the user

Agents show the text of a ToolRetry to the model, and end on a ToolFailed.
"""

from __future__ import annotations

from seedx_sdk.errors import SeedXError


class ToolRetry(SeedXError):
    """The arguments were wrong; the message says which and how to put them right."""


class ToolFailed(SeedXError):
    """The tool cannot do what was asked, whatever the arguments; the message says why and what would help."""
