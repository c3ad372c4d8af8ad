"""Every difference between processor and ledger is one finding, and nothing else is."""

from datetime import UTC, datetime

import pytest

from domain.payments.reconciliation import BookedCharge, Claim, compare, next_night

AT = datetime(2027, 1, 1, tzinfo=UTC)


def claim(**changes):
    facts = {"invoice": "in_1", "charge_id": "sub:pack:1", "customer_id": "acme"}
    facts |= {"subscription_id": "sub", "amount_minor": 4500, "returned_minor": 0}
    return Claim(**(facts | {"currency": "USD"} | changes))


def charge(**changes):
    facts = {"charge_id": "sub:pack:1", "customer_id": "acme", "subscription_id": "sub"}
    facts |= {"state": "paid", "invoice": "in_1", "amount_minor": 4500, "returned_minor": 0}
    return BookedCharge(**(facts | {"currency": "USD"} | changes))


CASES = [
    ([claim()], [charge()], []),
    ([], [], []),
    ([], [charge(state="open", invoice=None)], []),
    ([], [charge(state="void")], []),
    ([claim()], [], ["paid_without_charge"]),
    ([claim(), claim(invoice="in_2")], [charge()], ["paid_without_charge"]),
    ([claim()], [charge(state="void")], ["paid_without_charge"]),
    ([claim(amount_minor=5400)], [charge(state="open")], ["amount_differs"]),
    ([claim(amount_minor=5400)], [charge(state="void")], ["amount_differs"]),
    ([], [charge()], ["paid_only_here"]),
    ([claim(returned_minor=900)], [charge()], ["refund_differs"]),
    ([claim()], [charge(returned_minor=900)], ["refund_differs"]),
    ([claim(returned_minor=900)], [charge(returned_minor=900)], []),
    ([claim()], [charge(state="open", invoice=None)], []),
]


@pytest.mark.parametrize(("claims", "charges", "kinds"), CASES)
def test_each_difference_is_one_finding(claims, charges, kinds):
    booked = {one.charge_id: one for one in charges}

    compared = compare(claims, booked, AT)

    assert [one.kind for one in compared.findings] == kinds
    assert len({one.key for one in compared.findings}) == len(kinds)
    assert compare(claims, booked, AT) == compared


@pytest.mark.parametrize(
    ("state", "heard"), [("open", 1), ("processing", 1), ("paid", 0), ("void", 0)]
)
def test_only_an_open_charge_is_told_of_its_money(state, heard):
    compared = compare([claim()], {"sub:pack:1": charge(state=state)}, AT)
    assert len(compared.unheard) == heard


def test_one_invoice_alone_says_nothing_about_other_charges():
    other = charge(charge_id="sub:pack:2", invoice="in_2")
    booked = {"sub:pack:1": charge(), "sub:pack:2": other}
    assert compare([claim()], booked, AT, whole=False).findings == ()


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2027-01-01T00:00:00+00:00", "2027-01-01T03:00:00+00:00"),
        ("2027-01-01T02:59:59.999999+00:00", "2027-01-01T03:00:00+00:00"),
        ("2027-01-01T03:00:00+00:00", "2027-01-02T03:00:00+00:00"),
        ("2027-01-01T03:00:00.000001+00:00", "2027-01-02T03:00:00+00:00"),
        ("2027-02-28T23:00:00-05:00", "2027-03-02T03:00:00+00:00"),
        ("2027-12-31T12:00:00+00:00", "2028-01-01T03:00:00+00:00"),
    ],
)
def test_the_next_night_is_the_same_hour_and_never_now(at, night):
    """A comparison that took minutes, or was late, does not move the one after it."""
    assert next_night(datetime.fromisoformat(at)) == datetime.fromisoformat(night)
