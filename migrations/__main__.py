"""Bring the database of DATABASE_URL to the newest revision: `python -m migrations`."""

from alembic import command

from migrations import configuration

command.upgrade(configuration(), "head")
