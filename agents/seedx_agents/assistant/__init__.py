"""An assistant that chooses among the tools over several turns."""
