"""From scenes to batches."""
