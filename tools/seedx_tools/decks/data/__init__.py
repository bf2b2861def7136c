"""What the cells of a table mean: kinds of charts, numbers with their units, and dates."""
