"""Endpoints of the seller: created, rotated, switched; what is published reaches those that ask."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from domain.errors import InvalidInput
from ledger.notifications import webhook_endpoints, webhook_events
from models.tables import Subscription, WebhookDelivery, WebhookEndpoint
from tests.builders import NOON, a_subscribed_wallet, use

URL = "https://hooks.example.com/drawdown"
OWNER = "ada@example.com"
ROW = {"endpoint_id": "we_" + "a" * 16, "url": URL, "secret": "whsec_" + "a" * 44}
OFF = {"state": "off", "off_because": "by_hand", "off_at": "2027-01-01T00:00:00Z"}
ATTACKS = [
    ("id", {"endpoint_id": "we_1"}),
    ("url", {"url": "https"}),
    ("secret", {"secret": "whsec_short"}),
    ("deleted", {"secret": None}),
    ("deleted", OFF | {"off_because": "deleted"}),
    ("types", {"types": []}),
    ("state", {"state": "asleep"}),
    ("because", OFF | {"off_because": "boredom"}),
    ("old", {"old_secret": "whsec_" + "b" * 44}),
    ("off", OFF | {"off_at": None}),
    ("off", OFF | {"state": "on"}),
    ("pk", {}),
]


@pytest.mark.parametrize(("constraint", "changes"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(owner, constraint, changes):
    sound = ROW | {"owner_email": OWNER, "created_at": NOON}
    if constraint == "pk":
        owner.execute(WebhookEndpoint.__table__.insert().values(sound))
    with pytest.raises(IntegrityError) as refusal:
        owner.execute(WebhookEndpoint.__table__.insert().values(sound | changes))
    assert refusal.value.orig.diag.constraint_name == f"webhook_endpoints_{constraint}"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:99999/",
        "https://ada:secret@hooks.example.com/",
        "https:///path",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/#fragment",
        f"https://hooks.example.com/{'x' * 2_000}",
        "https://[::1/",
    ],
)
def test_an_address_that_is_no_public_https_one_is_refused(ledger, url):
    with pytest.raises(InvalidInput) as refusal:
        webhook_endpoints.create(ledger, url, OWNER, NOON)
    assert refusal.value.reason == "invalid_url"


@pytest.mark.parametrize("types", [[], ["balance.high"]])
def test_types_that_do_not_exist_are_refused(ledger, types):
    with pytest.raises(InvalidInput) as refusal:
        webhook_endpoints.create(ledger, URL, OWNER, NOON, types)
    assert refusal.value.reason == "invalid_types"


def test_a_secret_is_shown_once_and_never_again(ledger):
    made = webhook_endpoints.create(ledger, URL, OWNER, NOON, ["credits.granted"], "make")
    (seen,) = [
        one for one in webhook_endpoints.listed(ledger) if one.endpoint_id == made.endpoint_id
    ]
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    assert not hasattr(seen, "secret")
    assert (seen.types, seen.catalog, seen.state) == (("credits.granted",), "make", "on")


def test_the_old_secret_is_kept_while_both_sign(ledger):
    made = webhook_endpoints.create(ledger, URL, OWNER, NOON)
    fresh = webhook_endpoints.rotate_secret(ledger, made.endpoint_id, NOON, timedelta(hours=2))
    row = ledger.execute(
        select(WebhookEndpoint).where(WebhookEndpoint.endpoint_id == made.endpoint_id)
    ).one()
    assert (row.secret, row.old_secret) == (fresh.secret, made.secret)
    assert row.old_until == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("act", "given"),
    [
        (webhook_endpoints.rotate_secret, (NOON,)),
        (webhook_endpoints.switch_on, ()),
        (webhook_endpoints.switch_off, (NOON,)),
        (webhook_endpoints.delete, (NOON,)),
    ],
)
def test_an_endpoint_that_is_not_there_is_named(ledger, act, given):
    with pytest.raises(InvalidInput) as refusal:
        act(ledger, "we_nobody", *given)
    assert refusal.value.reason == "unknown_endpoint"


def addressed(connection):
    rows = connection.execute(
        select(WebhookDelivery.endpoint_id, WebhookDelivery.number, WebhookDelivery.state)
    )
    return rows.all()


def test_what_is_published_is_addressed_to_those_that_ask_for_it(engine):
    with engine.begin() as connection:
        everything = webhook_endpoints.create(connection, URL, OWNER, NOON).endpoint_id
        zero = webhook_endpoints.create(
            connection, URL, OWNER, NOON, ["balance.exhausted"]
        ).endpoint_id
        make = webhook_endpoints.create(connection, URL, OWNER, NOON, catalog="make").endpoint_id
        off = webhook_endpoints.create(connection, URL, OWNER, NOON).endpoint_id
        webhook_endpoints.switch_off(connection, off, NOON)
        other, ours = a_subscribed_wallet(connection, 3), a_subscribed_wallet(connection, 3)
        connection.execute(
            update(Subscription)
            .where(Subscription.account_id == ours.account_id)
            .values(plan={"catalog": "make", "plan_id": "core", "version": 1})
        )
        use(connection, other, 3)
    with engine.begin() as connection:
        assert webhook_events.publish(connection, NOON) == 3
        found = [one.endpoint_id for one in addressed(connection)]

    assert {one: found.count(one) for one in (everything, zero, make, off)} == {
        everything: 3,
        zero: 1,
        make: 1,
        off: 0,
    }


def test_an_event_is_sent_again_by_hand_also_to_one_that_never_had_it(engine):
    with engine.begin() as connection:
        had = webhook_endpoints.create(connection, URL, OWNER, NOON).endpoint_id
        a_subscribed_wallet(connection, 3)
    with engine.begin() as connection:
        webhook_events.publish(connection, NOON)
        new = webhook_endpoints.create(connection, URL, OWNER, NOON).endpoint_id
        connection.execute(update(WebhookDelivery).values(state="failed", attempts=10))
    with engine.begin() as connection:
        (event,) = webhook_events.after(connection, None, limit=10).events
        for endpoint in (had, new):
            webhook_events.redeliver(connection, event.event_id, endpoint, NOON)
        rows = connection.execute(
            select(WebhookDelivery.endpoint_id, WebhookDelivery.state, WebhookDelivery.attempts)
        ).all()

    assert sorted(rows) == sorted([(had, "waiting", 0), (new, "waiting", 0)])
    with engine.begin() as connection:
        others = webhook_endpoints.create(connection, URL, OWNER, NOON, catalog="make").endpoint_id
    for wrong, to, reason in (
        (event.event_id, others, "unknown_webhook_event"),
        ("evt_1_999999", had, "unknown_webhook_event"),
        (event.event_id, "we_nobody", "unknown_endpoint"),
    ):
        with engine.connect() as connection, pytest.raises(InvalidInput) as refusal:
            webhook_events.redeliver(connection, wrong, to, NOON)
        assert refusal.value.reason == reason
