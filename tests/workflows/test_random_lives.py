"""Random lives: whatever happens in whatever order, the processor and the ledger agree at the end.

Charge by charge, not only in sum; nothing is left half done and no law of the ledger is broken.
"""

from collections import Counter

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.fleet import Customer, RunningFleet
from tests.workflows.happenings import ACTS

pytestmark = pytest.mark.long

LIVES = st.lists(
    st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 9)), min_size=4, max_size=14
)
# A life takes seconds, so one that fails is printed as it is and not made smaller.
SEARCH = (Phase.explicit, Phase.reuse, Phase.generate)
LEDGER = (
    "SELECT charge_id, amount_minor FROM charges"
    " WHERE account_id = %s AND state NOT IN ('open', 'processing', 'void')"
)


@given(life=LIVES)
@settings(max_examples=12, phases=SEARCH)
async def test_the_processor_and_the_ledger_agree_charge_by_charge(
    fleet: RunningFleet, life: list[tuple[str, int]]
) -> None:
    customer = await fleet.subscribe("core_10k")
    note(customer.name)
    for name, number in life:
        customer = await ACTS[name](customer, number)
    fleet.standin.behave()
    customer = await ACTS["the_bank_answers"](customer, 1)
    await customer.life.settle()

    agree(customer)


# Where credits come before their money, payments that take days matter most.
SLOW = ("the_next_payment_takes_days", "the_bank_answers", "a_purchase", "days_pass", "some_usage")
TRUSTED_LIVES = st.lists(
    st.tuples(st.one_of(st.sampled_from(SLOW), st.sampled_from(sorted(ACTS))), st.integers(0, 9)),
    min_size=6,
    max_size=18,
)


@given(life=TRUSTED_LIVES)
@settings(max_examples=12, phases=SEARCH)
async def test_they_agree_where_credits_come_before_their_money(
    fleet: RunningFleet, life: list[tuple[str, int]]
) -> None:
    customer = await fleet.subscribe("core_10k", catalog="make_trusting")
    note(customer.name)
    for name, number in life:
        customer = await ACTS[name](customer, number)
    fleet.standin.behave()
    for _ in range(3):  # a period that failed may be on its way again
        customer = await ACTS["the_bank_answers"](customer, 1)
        await customer.life.settle()

    agree(customer)


def agree(customer: Customer) -> None:
    """Assert that each paid invoice is one paid charge of the same amount, and the other way."""
    taken = Counter((one["charge_id"], one["amount_minor"]) for one in customer.processor()["paid"])
    booked = Counter((row[0], row[1]) for row in customer.rows(LEDGER) if row[1] > 0)
    assert taken == booked
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []
