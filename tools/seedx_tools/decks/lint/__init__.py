"""The linter of decks: one file for each family of checks, on the slides of any .pptx."""
