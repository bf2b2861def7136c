"""Assistant agent."""
