"""Seed-x-nano, the small model that ships: its data, its stages and their hyperparameters."""
