"""For your own tests: `ScriptedEngine` replays answers without torch; `testing.tiny` writes a tiny real model."""

from seedx_sdk.testing.scripted import ScriptedEngine

__all__ = ["ScriptedEngine"]
