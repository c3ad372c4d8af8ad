"""Usage that nobody waits for, through one SQLite file."""
