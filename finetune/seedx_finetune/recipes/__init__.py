"""How each model is trained: one file per part, and `nano`, which puts them in order."""
