"""A storyteller that plans, illustrates and saves stories."""
