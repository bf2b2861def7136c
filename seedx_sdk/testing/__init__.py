"""Stand-ins for your own unit tests: `ScriptedEngine` needs no weights and no torch."""

from seedx_sdk.testing.scripted import ScriptedEngine

__all__ = ["ScriptedEngine"]
