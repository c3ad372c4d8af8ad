"""The battery: all laws of the ledger, tried on a database in which a fault may be."""

import re
from collections.abc import Callable, Iterable

from sqlalchemy import Engine

from local.postgres import Database
from models.base import connect
from tests.ledger.alert_laws import ALERT_LAWS
from tests.ledger.archive_laws import ARCHIVE_LAWS
from tests.ledger.coupon_laws import COUPON_LAWS
from tests.ledger.hold_laws import HOLD_LAWS
from tests.ledger.import_laws import IMPORT_LAWS
from tests.ledger.laws import JOURNAL_LAWS, MONEY_LAWS, USAGE_LAWS
from tests.ledger.patience_laws import PATIENCE_LAWS
from tests.ledger.purchase_laws import PURCHASE_LAWS
from tests.ledger.receivable_laws import RECEIVABLE_LAWS
from tests.ledger.return_laws import RETURN_LAWS
from tests.ledger.size_laws import SIZE_LAWS
from tests.ledger.sum_laws import SUM_LAWS
from tests.ledger.tax_laws import TAX_LAWS
from tests.ledger.team_laws import TEAM_LAWS
from tests.ledger.term_laws import TERM_LAWS
from tests.ledger.use_laws import USE_LAWS
from tests.ledger.way_laws import WAY_LAWS
from tests.ledger.window_laws import WINDOW_LAWS

Law = Callable[[Engine, Database], object]

LAWS = (
    *USAGE_LAWS,
    *ALERT_LAWS,
    *TERM_LAWS,
    *WINDOW_LAWS,
    *MONEY_LAWS,
    *RETURN_LAWS,
    *RECEIVABLE_LAWS,
    *HOLD_LAWS,
    *JOURNAL_LAWS,
    *PURCHASE_LAWS,
    *PATIENCE_LAWS,
    *TEAM_LAWS,
    *SIZE_LAWS,
    *WAY_LAWS,
    *ARCHIVE_LAWS,
    *USE_LAWS,
    *SUM_LAWS,
    *IMPORT_LAWS,
    *TAX_LAWS,
    *COUPON_LAWS,
)
CONNECTIONS = 12  # at once, of laws about threads
# Where a fault is noticed most probably, by what it is and the function it is in: only for speed.
LIKELY = (
    ("no lock", JOURNAL_LAWS),
    ("granted|given up|receivable|of what failed|came after all|who owes", RECEIVABLE_LAWS),
    ("rounding", WAY_LAWS),
    ("unpaid", PATIENCE_LAWS),
    ("alert|armed|arms|the base|no base|threshold|tells nobody|thawed", ALERT_LAWS),
    ("went back|go back|was held|what lapsed|nothing lapses", RETURN_LAWS),
    ("decided once|forgotten: grants|closed window|fit its window|a cap|no cap", WINDOW_LAWS),
    ("stop a purchase|moves? on|moved", PURCHASE_LAWS),
    ("in flight is not|the cap is not|prices|booked again", MONEY_LAWS),
    ("the debt|on credit|gifts repay|frozen|overdraft|another action|reopened", TERM_LAWS),
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
    ("tax", TAX_LAWS),
    ("import|returns_book", IMPORT_LAWS),
    ("summed_up|sum_up_days", SUM_LAWS),
)


def first_broken(
    database: Database,
    fault_in: str = "",
    *,
    likely: Iterable[Law] = (),
    engine: Engine | None = None,
) -> str | None:
    """Return the first law that a database breaks, if any; the likely ones are tried first.

    An `engine` on the database that the caller has is used: connections that know the functions
    are several times as quick as new ones.
    """
    likely = [
        *likely,
        *(law for names, laws in LIKELY if re.search(names, fault_in) for law in laws),
    ]
    laws = dict.fromkeys((*likely, *LAWS))
    if engine is not None:
        return _first_broken(engine, database, laws)
    made = connect(database.url, pool_size=CONNECTIONS)
    try:
        return _first_broken(made, database, laws)
    finally:
        made.dispose()


def _first_broken(engine: Engine, database: Database, laws: Iterable[Law]) -> str | None:
    for law in laws:
        try:
            law(engine, database)
        except Exception as error:  # noqa: BLE001 - any failure is a broken law
            return f"{law.__name__}: {type(error).__name__}"
    return None
