"""Change saved slides where they are: only what differs is touched."""
