"""Checkpoint directories: read, write, convert, size. Only directory.py and convert.py import torch."""
