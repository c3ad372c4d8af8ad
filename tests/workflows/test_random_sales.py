"""Random lives of everything that is sold: coupons, taxes, sent invoices, debits, every upgrade.

Each begins on any plan of a list, in one of its currencies, with a coupon or none.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.fleet import Customer, RunningFleet
from tests.payer import card_in
from tests.workflows.happenings import ACTS
from tests.workflows.sales import ALL, PLANS, SALES, begun, taxes_at_processor

pytestmark = pytest.mark.long

Steps = Sequence[tuple[str, int]]
# A life takes seconds, so one that fails is printed as it is and not made smaller.
SEARCH = (Phase.explicit, Phase.reuse, Phase.generate)
STEP = st.one_of(st.sampled_from(sorted(SALES)), st.sampled_from(sorted(ALL)))
STEPS = st.lists(st.tuples(STEP, st.integers(0, 9)), min_size=5, max_size=16)
BOOKED = (
    "SELECT charge_id, amount_minor + tax_minor, tax_minor FROM charges WHERE account_id = %s"
    " AND state NOT IN ('open', 'processing', 'void') AND kind <> 'import'"
)
WINDOWS = "SELECT window_start, window_end FROM windows WHERE account_id = %s ORDER BY window_start"


async def lived(customer: Customer, steps: Steps) -> Customer:
    """Begin, do what is to happen, and let what is still on its way come."""
    customer = await begun(customer)
    for name, number in steps:
        customer = await ALL[name](customer, number)
    customer.fleet.standin.behave()
    for _ in range(3):  # what failed may be on its way again
        customer = await ACTS["the_bank_answers"](customer, 1)
        await customer.life.settle()
    return customer


def agree(customer: Customer) -> None:
    """Assert that each paid invoice is one paid charge of its total and tax, and no law broken."""
    rows = [row for row in customer.rows(BOOKED) if row[1] > 0]
    paid, totals = customer.processor()["paid"], {row[0]: row[1] for row in rows}
    assert Counter(one["charge_id"] for one in paid) == Counter(row[0] for row in rows)
    for one in paid:  # what came too much is a finding, and no sale
        assert one["amount_minor"] >= totals[one["charge_id"]], one
    assert taxes_at_processor(customer) == {row[0]: row[2] for row in rows}
    back = sum(customer.processor()["refunded_total"].values())
    assert back == -customer.books().get("refunds", 0)
    assert customer.rows("SELECT * FROM violations WHERE account_id = %s") == []
    for (_, end), (start, _) in pairwise(customer.rows(WINDOWS)):
        assert end <= start


async def a_customer(
    fleet: RunningFleet, plan: str, place: str = "", coupon: str = "", currency: str = "USD"
) -> Customer:
    card = card_in(fleet, place) if place else "pm_card_visa"
    return await fleet.subscribe(
        plan, catalog="anything", currency=currency, card=card, coupon=coupon or None
    )


@given(
    plan=st.sampled_from(PLANS["anything"]),
    place=st.sampled_from(("GB", "DE", "")),
    coupon=st.sampled_from(("", "HALF", "TRYIT", "FRIEND")),
    currency=st.sampled_from(("USD", "USD", "EUR")),
    steps=STEPS,
)
@settings(max_examples=12, phases=SEARCH)
async def test_they_agree_whatever_is_sold(
    fleet: RunningFleet, plan: str, place: str, coupon: str, currency: str, steps: Steps
) -> None:
    customer = await a_customer(fleet, plan, place, coupon, currency)
    note(customer.name)
    agree(await lived(customer, steps))


@given(currency=st.sampled_from(("EUR", "JPY", "KWD")), steps=STEPS)
@settings(max_examples=8, phases=SEARCH)
async def test_they_agree_in_every_currency(
    fleet: RunningFleet, currency: str, steps: Steps
) -> None:
    customer = await fleet.subscribe("core_10k", catalog="make_world", currency=currency)
    note(customer.name)
    agree(await lived(customer, steps))


PAID = "SELECT 1 FROM charges WHERE account_id = %s AND state = 'paid' AND "
CLASSES: dict[str, tuple[str, Steps, str]] = {
    "a debit": (
        "small",
        (("a_bank_account", 0), ("a_pack", 0), ("the_bank_answers", 1), ("months_pass", 0)),
        PAID + "kind = 'pack'",
    ),
    "a discount": ("small", (("a_pack_with_a_coupon", 1),), PAID + "discount_minor > 0"),
    "a gift": (
        "small",
        (("a_pack_with_a_coupon", 0),),
        PAID + "kind = 'pack' AND amount_minor = 0",
    ),
    "a sent invoice": (
        "sent",
        (("months_pass", 0), ("a_transfer", 1), ("a_transfer", 3), ("days_pass", 1)),
        PAID + "kind = 'period' OFFSET 1",
    ),
    "a pack by invoice": (
        "sent",
        (("a_pack", 0), ("days_pass", 1), ("a_transfer", 3)),
        PAID + "kind = 'pack'",
    ),
    "a tax": ("taxed", (("a_pack", 0), ("a_refund", 1)), PAID + "kind = 'pack' AND tax_minor > 0"),
    "a tax inside": ("taxed_inside", (("months_pass", 0),), PAID + "tax_minor > 0"),
    "a part of credits": ("small", (("another_plan_of_all", 0),), PAID + "kind = 'upgrade'"),
    "a restart with tax": (
        "taxed",
        (("days_pass", 3), ("another_plan_at_once", 0)),
        PAID + "kind = 'upgrade' AND tax_minor > 0",
    ),
    "another interval": (
        "small",
        (("days_pass", 3), ("another_plan_at_once", 2), ("months_pass", 0)),
        PAID + "kind = 'upgrade'",
    ),
    "a move": (
        "small",
        (("a_move", 0), ("months_pass", 0), ("a_move", 1), ("months_pass", 0)),
        "SELECT 1 FROM subscriptions WHERE account_id = %s AND time_zone = 'Pacific/Pago_Pago'",
    ),
    "an import": ("small", (("a_balance_from_elsewhere", 1),), PAID + "kind = 'import'"),
}


@pytest.mark.parametrize("what", CLASSES)
async def test_each_kind_of_sale_comes_about(fleet: RunningFleet, what: str) -> None:
    """Lives in which it happens for certain: a search that no longer meets it proves nothing."""
    plan, steps, saw = CLASSES[what]
    customer = await lived(await a_customer(fleet, plan, "GB"), steps)
    assert customer.rows(saw), customer.charges()
    agree(customer)
