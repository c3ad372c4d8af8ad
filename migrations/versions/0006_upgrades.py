"""Upgrades, and credits granted before their money.

Revision ID: 0006
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"

SQL = Path(__file__).parent.parent / "sql" / revision
FILES = (
    "shapes",
    "functions/charges",
    "functions/grants",
    "functions/receivables",
    "functions/refunds",
    "functions/taxes",
    "functions/violations",
    "functions/wallets",
    "privileges",
)


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("go forward with another migration, or restore a backup")
