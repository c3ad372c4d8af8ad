"""What waits for somebody, as a support person reads it."""

from ledger.open_items import open_matters
from tests.ledger.returns import a_pack, dispute


def test_a_debt_is_told_in_credits_and_in_money(ledger):
    wallet, pack = a_pack(ledger, used=400)
    dispute(ledger, wallet, pack, "open")

    told = open_matters(ledger, wallet.account_id)

    assert told["owed credits"] == {"credits": "400 ($18.00)"}
    assert told["open disputes"] == [f"$45.00 of {pack}"]


def test_who_owes_nothing_has_nothing_open(ledger):
    wallet, _ = a_pack(ledger, used=400)
    assert open_matters(ledger, wallet.account_id) == {}
