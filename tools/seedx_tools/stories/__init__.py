"""Illustrated stories."""
