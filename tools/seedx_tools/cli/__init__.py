"""Commands that `seedx` finds as plug-ins."""
