"""Storyteller agent."""
