"""Measuring and laying out text."""
