"""Alembic migrations; tables, functions and triggers are .sql files that a revision executes."""
