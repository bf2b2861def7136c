"""Adapters of the tools for other frameworks."""
