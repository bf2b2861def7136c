"""Encodes images, regresses features and generates images, in batches on one device."""
