"""The HTTP server: our own routes, OpenAI-compatible ones, and what protects them."""
