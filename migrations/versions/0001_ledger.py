"""The ledger: wallets, grants, journal, charges, books.

Revision ID: 0001
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql" / revision
SHAPES = (
    "arguments", "tables", "record_tables", "archive_tables", "hold_tables", "published", "door_tables", "portal_tables", "operator_tables", "key_tables",
    "closing_tables", "webhook_tables", "types",
)  # fmt: skip
FUNCTIONS = (
    "alerts", "archive", "books", "charges", "check", "corrections", "debit", "debit_batch", "first_way", "grants", "guards", "hold_calls", "holds",
    "lost_charges", "operations", "refunds", "requests", "rollover", "row_laws", "serving", "teams", "terms", "terms_debit", "usable", "use",
    "wakeups", "wallets", "webhooks", "violations",
)  # fmt: skip
FILES = (*SHAPES, *(f"functions/{name}" for name in FUNCTIONS), "triggers", "webhook_triggers", "privileges")


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("the first migration holds the books; restore a backup instead")
