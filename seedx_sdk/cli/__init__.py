"""The `seedx` command."""
