"""Inline Markdown, and measuring and laying out text."""
