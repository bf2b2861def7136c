"""Logs as lines of JSON: those of the server, of the libraries, and of the processes that it starts."""
