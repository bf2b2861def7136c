"""One module of routes for each API."""
