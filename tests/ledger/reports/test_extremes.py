"""Reports of a ledger whose sums exceed a BIGINT."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.credits import MICRO, MOST
from domain.errors import InvalidInput
from ledger import balances, grants
from ledger.reports.registry import REPORTS, ReportRequest, sheet
from ledger.reports.scope import Scope
from ledger.reports.tables import csv_text
from ledger.reports.usage import usage_by_action, usage_by_day, usage_by_tag
from ledger.usage import debits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    an_event,
    micro,
    use,
)

TAGS = (("campaign", "spring"), ("member", "ada"))
TIMES = 10  # of the largest quantity: 10^19 millionths
MOST_MINOR = 99_999_999  # that the processor takes at once


def used_beyond_measure(ledger):
    """A customer who used the largest quantity ten times, bought, and ten times free."""
    wallet = a_subscribed_wallet(ledger)
    free = [
        an_event(wallet.account_id, 0, quantity_micro=MOST * MICRO, tags=TAGS) for _ in range(TIMES)
    ]
    debits.debit(ledger, free, NOON)
    for number in range(TIMES):
        charge = a_paid_charge(ledger, wallet, f"pack-{number}", MOST_MINOR, at=NOON)
        pack = a_grant(
            key=f"{charge}:grant",
            source="pack",
            quantity_micro=MOST * MICRO,
            priority=10,
            expires_at=None,
            cost_minor=MOST_MINOR,
            charge_id=charge,
            part=0,
        )
        grants.give(ledger, wallet.account_id, pack, NOON)
        event = an_event(wallet.account_id, MOST, tags=TAGS)
        assert debits.debit(ledger, [event], NOON)[0].status == "debited"
    return wallet


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("tag", ["campaign", "member", "nobody"])
def test_every_report_tells_sums_that_no_column_could_hold(ledger, name, tag):
    wallet = used_beyond_measure(ledger)
    for customer in (wallet.customer_id, None):
        asked = ReportRequest(
            name=name,
            customer_id=customer,
            first=START.date(),
            until=(MONTH_END + timedelta(1)).date(),
            tag=tag,
        )
        told = sheet(ledger, asked, MONTH_END)
        assert all(isinstance(cell, str) for row in told.rows for cell in row)
        assert "E+" not in csv_text(told)
    if name == "usage-by-member":
        assert format(TIMES * MOST, "d") in csv_text(told).replace(",", "")


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_of_nothing_is_told(ledger, name):
    wallet = a_subscribed_wallet(ledger, 0)
    asked = ReportRequest(
        name=name,
        customer_id=wallet.customer_id,
        first=START.date(),
        until=MONTH_END.date(),
        tag="member",
    )
    assert sheet(ledger, asked, MONTH_END).columns


def test_what_people_look_at_is_told_of_a_full_wallet(ledger):
    wallet = used_beyond_measure(ledger)
    for number in range(8):
        given = a_grant(key=f"full-{number}", quantity_micro=MOST * MICRO, expires_at=None)
        grants.give(ledger, wallet.account_id, given, NOON)
    with pytest.raises(InvalidInput, match="at most 9000000000000 credits"):
        grants.give(ledger, wallet.account_id, replace(given, key="too much"), NOON)
    left = 8 * MOST * MICRO + micro(10_000)
    assert balances.available(ledger, wallet.account_id, "credits", NOON) == left
    assert balances.history(ledger, wallet.account_id)
    assert use(ledger, wallet, MOST).status == "debited"


def test_usage_of_ten_free_events_of_the_largest_quantity_is_told(ledger):
    wallet = a_subscribed_wallet(ledger)
    most = [an_event(wallet.account_id, 0, quantity_micro=MOST * MICRO) for _ in range(10)]
    debits.debit(ledger, most, NOON)
    scope = Scope(START, MONTH_END + timedelta(1), wallet.account_id)
    [told] = usage_by_action(ledger, scope)
    assert told.quantity_micro == 10 * MOST * MICRO
    assert [told.usage] == [day.usage for day in usage_by_day(ledger, scope)]
    assert [told.usage] == [tag.usage for tag in usage_by_tag(ledger, scope, "member")]
