"""A presenter that makes and revises decks."""
