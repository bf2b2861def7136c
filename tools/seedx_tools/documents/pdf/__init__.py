"""Reads PDF files: lines in reading order, headings by their look, tables and figures."""
