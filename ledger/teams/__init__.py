"""Members, their limits, and what they ask for."""
