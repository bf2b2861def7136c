"""Reads Excel files: what cells show in their formats, the tables of sheets, and their charts."""
