"""The tables as SQLAlchemy reads them are the tables that the migrations make."""

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql

from models.tables import Base

DIALECT = postgresql.dialect()


def plain(kind):
    """Return the name of the type below a domain, which the models need not know."""
    below = getattr(kind, "data_type", kind)
    return below.compile(DIALECT).removesuffix(' COLLATE "default"')


def shape(metadata):
    return {
        (table.name, column.name): (
            plain(column.type),
            bool(column.nullable),
            column.primary_key,
        )
        for table in metadata.tables.values()
        for column in table.columns
    }


def test_the_models_are_what_the_migrations_make(owner):
    migrated = MetaData()
    migrated.reflect(owner, only=lambda name, _: name != "alembic_version")

    assert shape(Base.metadata) == shape(migrated)
