"""Members, their roles, and what they ask admins for."""
