"""Moves by operators.

Revision ID: 0008
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = Path(__file__).parent.parent / "sql" / revision
FILES = ("shapes", "privileges")


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("go forward with another migration, or restore a backup")
