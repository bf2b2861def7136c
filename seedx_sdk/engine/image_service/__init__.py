"""Encodes, regresses and draws images in batches on one device."""
