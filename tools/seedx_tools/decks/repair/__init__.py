"""Look at the slides that a call made, and repair what the linter or a reviewer objects to."""
