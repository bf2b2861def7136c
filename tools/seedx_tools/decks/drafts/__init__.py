"""Decks that are planned and not yet written: their slides, and the images generated for them."""
