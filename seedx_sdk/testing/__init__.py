"""For your own tests: `ScriptedEngine` replays answers without torch; `seedx_sdk.testing.tiny` has a tiny real model."""

from seedx_sdk.testing.scripted import ScriptedEngine

__all__ = ["ScriptedEngine"]
