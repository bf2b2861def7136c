"""Errors that tools raise.

    SeedXError
    +-- ToolRetry    the arguments are wrong: fix them and call again
    +-- ToolFailed   no arguments will help: stop and tell the user

Agents pass the text of a ToolRetry back to the chat model and end the turn on a ToolFailed.
"""

from __future__ import annotations

from seedx_sdk.errors import SeedXError


class ToolRetry(SeedXError):
    """The arguments are wrong; the message says which ones and how to fix them."""


class ToolFailed(SeedXError):
    """The tool cannot do this whatever the arguments; the message says why and what would help."""
