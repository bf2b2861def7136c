"""From text to an Outline."""
