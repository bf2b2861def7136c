"""Agents that work with the tools of seedx_tools: the room is here, the agents are not written yet."""

__all__: list[str] = []
