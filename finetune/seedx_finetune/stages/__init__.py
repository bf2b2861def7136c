"""What each stage of the paper trains, and its losses."""
