"""When an attempt is made again, and what is signed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from domain.webhooks.attempts import GAPS, MOST_REST, next_gap
from domain.webhooks.requests import body, headers

SECRETS = ["whsec_" + 43 * letter + "=" for letter in "AM"]
PAYLOAD = {
    "type": "credits.granted",
    "timestamp": "2027-01-01T12:00:00.000000Z",
    "customer_id": "zoë",
    "subscription_id": None,
    "seq": 1,
    "balance": {},
    "data": {},
}


def test_the_gaps_are_those_of_three_days():
    assert sum(GAPS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert next_gap(len(GAPS) + 1, "evt_1_1:we_1") is None


@given(attempts=st.integers(1, len(GAPS)), delivery=st.text())
def test_a_gap_is_longer_by_up_to_a_fifth_and_always_the_same(attempts, delivery):
    gap = next_gap(attempts, delivery)
    assert GAPS[attempts - 1] <= gap <= GAPS[attempts - 1] * 1.2
    assert gap == next_gap(attempts, delivery)


def test_deliveries_of_one_instant_spread():
    assert len({next_gap(1, f"evt_1_{number}:we_1") for number in range(100)}) > 50


def test_what_a_receiver_asks_for_is_waited_at_least_up_to_a_day():
    assert next_gap(1, "x", timedelta(hours=1)) == timedelta(hours=1)
    assert next_gap(1, "x", timedelta(days=30)) == MOST_REST
    assert next_gap(4, "x", timedelta(seconds=1)) == next_gap(4, "x")


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5))])
def test_every_live_secret_verifies_and_no_other(zone):
    sent, now = body("evt_1_2", PAYLOAD), datetime.now(zone)
    signed = headers("evt_1_2", sent, SECRETS, now)
    for secret in SECRETS:
        assert Webhook(secret).verify(sent, signed)["customer_id"] == "zoë"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + 43 * "B" + "=").verify(sent, signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(sent + b" ", signed)
