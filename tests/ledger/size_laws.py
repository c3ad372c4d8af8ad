"""A law of sizes, for the battery of laws.py, and the faults that it notices."""

from tests.ledger import test_sizes as sizes
from tests.ledger.undone import undone


def no_size_overflows(engine, _):
    for law in (
        sizes.test_adjustments_do_not_overfill_a_wallet,
        sizes.test_raised_limits_do_not_overflow,
    ):
        with undone(engine) as connection:
            law(connection)


SIZE_LAWS = (no_size_overflows,)
SIZE_FAULTS = (
    ("a wallet is overfilled", "grant_credits", r"IF p_source = 'adjustment' AND", "IF false AND"),
    ("raises overflow", "settle_approval", r"capped\(counters\.value::numeric", "(counters.value"),
    ("raised limits overflow", "plan_counters", r"l\.ceiling::numeric", "l.ceiling"),
    ("raised limits overflow alone", "use_of_way", r"l\.ceiling::numeric", "l.ceiling"),
    ("raised limits overflow together", "size_by_terms", r"l\.ceiling::numeric", "l.ceiling"),
)
