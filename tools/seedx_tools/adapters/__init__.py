"""The tools in other frameworks."""
