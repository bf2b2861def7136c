"""How each model is trained: typed functions that return a whole configuration."""
