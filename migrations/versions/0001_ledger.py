"""The ledger: wallets, grants, journal, charges, books.

Revision ID: 0001
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql" / revision
FILES = (
    "arguments", "tables", "hold_tables", "guards", "published", "books", "charges", "lost_charges", "serving", "grants",
    "terms", "terms_debit", "holds", "hold_calls", "debit", "wallets", "alerts", "refunds", "rollover", "corrections", "teams",
    "violations", "privileges",
)  # fmt: skip


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("the first migration holds the books; restore a backup instead")
