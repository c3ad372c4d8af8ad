"""Alembic migrations; tables, functions and triggers are .sql files that a revision executes."""

from pathlib import Path

from alembic.config import Config


def configuration() -> Config:
    """Return Alembic's configuration of this folder, wherever it is installed."""
    config = Config()
    folder = str(Path(__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
