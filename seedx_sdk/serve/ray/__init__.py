"""The same server on a Ray cluster."""
