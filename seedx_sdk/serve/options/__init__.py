"""The command-line options of `seedx serve` and `seedx deploy`, and what they stand for."""
