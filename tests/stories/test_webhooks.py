"""Every type of event in the lives of three customers, as a receiver of the seller gets them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from domain.credits import format_credits
from domain.webhooks.events import TYPES
from ledger.notifications import webhook_endpoints
from local.patience import until
from tests.builders import NOON
from tests.fleet import RunningFleet
from tests.receiver import Receiver, receiving
from tests.truth import lives

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
WRITTEN = text("""
    SELECT 'evt_' || e.account_id || '_' || e.number FROM webhook_events e
    WHERE e.account_id = ANY (:accounts) ORDER BY e.number
""")
# What the journal up to a sequence leaves of what was usable at an instant.
BOOKED = text("""
    SELECT coalesce(sum(j.change - j.held_change), 0)::bigint
    FROM customers c JOIN journal j ON j.account_id = c.account_id
    JOIN grants g ON g.account_id = j.account_id AND g.grant_id = j.grant_id
    WHERE c.customer_id = :customer AND g.credit_type = :type AND j.seq <= :seq
      AND g.effective_at <= CAST(:at AS timestamptz) AND g.expires_at > CAST(:at AS timestamptz)
      AND g.source <> 'overdraft'
""")
TEAM = (
    lives.ask_admins,
    lives.use_all,
    lives.buy_pack,
    lives.lose_a_dispute,
    lives.pause_and_resume,
    lives.next_period,
    lives.bad_card,
    lives.next_period,
    lives.wait_out_dunning,
)
BUYER = (
    lives.buy,
    lives.refund,
    lives.upgrade,
    lives.bad_card,
    lives.decline_a_purchase,
    lives.cancel,
    lives.uncancel,
    lives.cancel,
    lives.next_period,
)
GUEST = (lives.give_bonus, lives.week_before_the_end)
LIVES = (
    ("starter", "salestools", "ai_email", TEAM),
    ("core_10k", "make", "operation", BUYER),
    ("growth", "schematic", "export", GUEST),
)


async def lived(fleet: RunningFleet) -> list[int]:
    """Live the three lives; return their accounts."""
    accounts = []
    for plan, catalog, action, steps in LIVES:
        luck = Random(1)  # noqa: S311 - a test's luck, no secret
        life = await lives.begin(fleet, luck, plan=plan, catalog=catalog, action=action)
        await life.live(*steps)
        accounts.append(life.customer.account_id)
    return accounts


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


async def test_a_receiver_hears_of_everything_that_happens(
    fleet: RunningFleet, receiver: Receiver
) -> None:
    with fleet.engine.begin() as connection:
        made = webhook_endpoints.create(
            connection, receiver.url, "ada@example.com", NOON, anywhere=True
        )
    accounts = await lived(fleet)
    with fleet.engine.connect() as connection:
        written = connection.scalars(WRITTEN, {"accounts": accounts}).all()

    async def missing() -> set[str]:
        return set(written) - set(receiver.ids)

    await until(missing, lambda seen: not seen, "every event to be received")
    with fleet.engine.begin() as connection:
        webhook_endpoints.switch_off(connection, made.endpoint_id, NOON)
    told = {
        one.headers["webhook-id"]: Webhook(made.secret).verify(one.body, one.headers)
        for one in receiver.received
    }

    events = [told[event] for event in written]
    assert {one["type"] for one in events} == set(TYPES)
    for one in events:
        balances_are_those_of_the_journal(fleet, one)
    shapes_are_those_of_the_page(events)


def balances_are_those_of_the_journal(fleet: RunningFleet, event: dict[str, Any]) -> None:
    """Compare what an event tells of each credit type with the entries up to its sequence."""
    for credit_type, told in event["balance"].items():
        values = {
            "customer": event["customer_id"],
            "type": credit_type,
            "seq": event["seq"],
            "at": event["timestamp"],
        }
        with fleet.engine.connect() as connection:
            booked = connection.scalar(BOOKED, values)
        assert told["available"] == format_credits(booked), event


def shape(value: Any) -> Any:
    """Return the names and kinds of what is in a value; texts and numbers are all the same."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return type(value).__name__


def shapes_are_those_of_the_page(events: list[dict[str, Any]]) -> None:
    """Compare the page's examples, one of each type, with what was received."""
    examples = [json.loads(one) for one in EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))]
    assert [one["type"] for one in examples] == list(TYPES)
    for example in examples:
        alike = [one for one in events if one["type"] == example["type"]]
        names = {*example, *example["data"]}
        assert all({*one, *one["data"]} == names for one in alike), example["type"]
        assert shape(example["data"]) in [shape(one["data"]) for one in alike], example["type"]
