"""Commands that `seedx` loads as plug-ins."""
