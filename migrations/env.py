"""Run migrations against DATABASE_URL, one at a time across processes."""

import os

from alembic import context
from sqlalchemy import create_engine, text

from models.base import Base, driver_url

# Any constant: it keeps two starting processes from migrating at once.
MIGRATION_LOCK = 7_283_001


def _url() -> str:
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("DATABASE_URL is not set: name the database to migrate")
    return driver_url(url)


def _migrate() -> None:
    engine = create_engine(_url())
    with engine.begin() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.configure(connection=connection, target_metadata=Base.metadata)
        context.run_migrations()
    engine.dispose()


_migrate()
