"""The formats that a story is saved in."""
