"""Reads Word files: headings by style, outline level or size, and their text by way of HTML."""
