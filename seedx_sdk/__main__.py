"""`python -m seedx_sdk` is `seedx`."""

from seedx_sdk.cli.main import main

main()
