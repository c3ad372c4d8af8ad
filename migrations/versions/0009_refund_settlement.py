"""Refund settlement.

Revision ID: 0009
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = Path(__file__).parent.parent / "sql" / revision
FILES = ("shapes", "functions/refund_settlement", "functions/refunds", "privileges")


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("go forward with another migration, or restore a backup")
