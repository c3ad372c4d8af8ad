"""The battery: all laws of the ledger, tried on a database in which a fault may be."""

import re

from local.postgres import Database
from models.base import connect
from tests.ledger.alert_laws import ALERT_LAWS
from tests.ledger.archive_laws import ARCHIVE_LAWS
from tests.ledger.hold_laws import HOLD_LAWS
from tests.ledger.import_laws import IMPORT_LAWS
from tests.ledger.laws import JOURNAL_LAWS, MONEY_LAWS, USAGE_LAWS
from tests.ledger.patience_laws import PATIENCE_LAWS
from tests.ledger.purchase_laws import PURCHASE_LAWS
from tests.ledger.return_laws import RETURN_LAWS
from tests.ledger.size_laws import SIZE_LAWS
from tests.ledger.team_laws import TEAM_LAWS
from tests.ledger.term_laws import TERM_LAWS
from tests.ledger.use_laws import USE_LAWS
from tests.ledger.way_laws import WAY_LAWS
from tests.ledger.window_laws import WINDOW_LAWS

LAWS = (
    *USAGE_LAWS,
    *ALERT_LAWS,
    *TERM_LAWS,
    *WINDOW_LAWS,
    *MONEY_LAWS,
    *RETURN_LAWS,
    *HOLD_LAWS,
    *JOURNAL_LAWS,
    *PURCHASE_LAWS,
    *PATIENCE_LAWS,
    *TEAM_LAWS,
    *SIZE_LAWS,
    *WAY_LAWS,
    *ARCHIVE_LAWS,
    *USE_LAWS,
    *IMPORT_LAWS,
)
# Where a fault in a function is noticed most probably, by the function's name: only for speed.
LIKELY = (
    ("hold|captur|lapse|is_agreed|plan_limits", HOLD_LAWS),
    ("first_way|use_of_way|size_by", WAY_LAWS),
    ("plan_|terms|write_|stock|repay|units_short", TERM_LAWS),
    ("alert|threshold", ALERT_LAWS),
    ("roll|move_|reopen|correct|cap_window|auto_purchased", WINDOW_LAWS + PURCHASE_LAWS),
    ("refund|return|dispute|used_of|credits_worth", RETURN_LAWS),
    ("charge|pack|price|shortfall|reserve|recognise|take_back", PURCHASE_LAWS),
    ("patience|refusal|paused|frozen", PATIENCE_LAWS),
    ("member|approval", TEAM_LAWS),
    ("archiv", ARCHIVE_LAWS),
    ("booked_|used_of_type|used_between|seqs_before", USE_LAWS),
    ("import|returns_book", IMPORT_LAWS),
)


def first_broken(database: Database, fault_in: str = "") -> str | None:
    """Return the first law that a database breaks, if any; the likely ones are tried first."""
    likely = [law for names, laws in LIKELY if re.search(names, fault_in) for law in laws]
    engine = connect(database.url, pool_size=12)
    try:
        for law in dict.fromkeys((*likely, *LAWS)):
            try:
                law(engine, database)
            except Exception as error:  # noqa: BLE001 - any failure is a broken law
                return f"{law.__name__}: {type(error).__name__}"
        return None
    finally:
        engine.dispose()
