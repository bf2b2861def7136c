"""Outlines in Markdown."""
