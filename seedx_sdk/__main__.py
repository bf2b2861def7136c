"""`python -m seedx_sdk` is `seedx`."""

from .cli import main

main()
