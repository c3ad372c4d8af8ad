"""Reports of a ledger whose sums are more than a BIGINT holds."""

from datetime import timedelta

from domain.credits import MICRO, MOST
from ledger import debits
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action, usage_by_day, usage_by_tag
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, an_event


def test_usage_of_ten_free_events_of_the_largest_quantity_is_told(ledger):
    wallet = a_subscribed_wallet(ledger)
    most = [an_event(wallet.account_id, 0, quantity_micro=MOST * MICRO) for _ in range(10)]
    debits.debit(ledger, most, NOON)
    scope = Scope(START, MONTH_END + timedelta(1), wallet.account_id)
    [told] = usage_by_action(ledger, scope)
    assert told.quantity_micro == 10 * MOST * MICRO
    assert [told.usage] == [day.usage for day in usage_by_day(ledger, scope)]
    assert [told.usage] == [tag.usage for tag in usage_by_tag(ledger, scope, "member")]
