"""Designer agent."""
