"""Each alert of a debit is sent exactly once: a notice, a mail, or both, by channel."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from activities.context import BillingContext
from activities.notifications.alerts import AlertRelay
from activities.usage.meter import meter
from domain.mails.codec import envelope_from_json
from domain.pricing.policies import Alert, Channel
from gateways.letters import render
from ledger import subscriptions
from ledger.notifications import alerts, notices
from ledger.usage import policies
from models.base import connect
from models.tables import Subscription
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, micro, use
from tests.price_lists import shipped

CATALOGS = shipped()
STARTER = CATALOGS["salestools"].plan("starter")


@pytest.fixture
def engine(database):
    made = connect(database.url, pool_size=10)
    yield made
    made.dispose()


@pytest.fixture
def relay(engine):
    return AlertRelay(BillingContext(engine, CATALOGS, "https://billing.example", ("secret",)))


def a_starter(engine, *, own=None):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 500)
        connection.execute(
            update(Subscription)
            .where(Subscription.subscription_id == wallet.subscription_id)
            .values(plan=subscriptions.as_json(STARTER))
        )
        policies.set_policy(connection, wallet.account_id, STARTER)
        if own is not None:
            alerts.set_own(connection, wallet.account_id, own)
    return wallet


def spend(engine, wallet, amount, at=NOON):
    with engine.begin() as connection:
        assert use(connection, wallet, amount, at=at).status == "debited"


def mails(engine, wallet):
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT payload FROM outbox WHERE account_id = :a AND topic = 'mail'"),
            {"a": wallet.account_id},
        )
        return [envelope_from_json(payload).mail for (payload,) in rows]


def left_notices(engine, wallet, **only):
    with engine.connect() as connection:
        return notices.newest(connection, wallet.account_id, **only)


def test_m12_a_plan_of_salestools_is_told_at_a_hundred_of_five_hundred(engine, relay):
    wallet = a_starter(engine)
    spend(engine, wallet, "399.5")
    assert relay.tell_some() == 0
    spend(engine, wallet, "0.5", at=NOON + timedelta(hours=1))

    assert relay.tell_some() == 1
    assert relay.tell_some() == 0

    (mail,) = mails(engine, wallet)
    assert (mail.kind, mail.percent, mail.balance_micro) == ("low_balance", 20, micro(100))
    assert "100 credits" in render(mail).subject.replace("\N{NO-BREAK SPACE}", " ")
    (notice,) = left_notices(engine, wallet)
    assert (notice.kind, notice.read_at) == ("low_balance", None)
    assert notice.payload["available"] == "100"
    assert notice.payload["base"] == "500"


def test_the_mail_and_the_notice_tell_recent_use_and_the_pack_that_covers_it(engine, relay):
    wallet = a_starter(engine)
    spend(engine, wallet, 60, at=START + timedelta(days=1))
    spend(engine, wallet, 60, at=START + timedelta(days=2))
    spend(engine, wallet, 300, at=START + timedelta(days=3))

    relay.tell_some()

    payload = left_notices(engine, wallet)[0].payload
    # Four days of use: 420 in all, 105 a day; 80 left; 27 days to go take 2,755 more.
    assert (payload["per_day"], payload["days_left"]) == ("105", 0)
    assert payload["suggested_pack"] == {
        "pack": "pack_5000",
        "credits": "5000",
        "price_minor": 17_500,
        "currency": "USD",
    }
    assert payload["used_most"] == [{"action": "operation", "credits": "420"}]
    (mail,) = mails(engine, wallet)
    assert mail.offer.quantity_micro == micro(5_000)


@pytest.mark.parametrize(
    ("channel", "mailed", "noticed"),
    [(Channel.EMAIL, 1, 0), (Channel.IN_APP, 0, 1), (Channel.BOTH, 1, 1)],
)
def test_the_channel_decides_who_is_told(engine, relay, channel, mailed, noticed):
    wallet = a_starter(engine, own=[Alert("5_credits", None, micro(5), channel)])
    spend(engine, wallet, 495)

    relay.tell_some()

    assert len(mails(engine, wallet)) == mailed
    assert len(left_notices(engine, wallet)) == noticed


def test_relays_at_once_tell_each_alert_once(engine, relay):
    wallets = [a_starter(engine) for _ in range(5)]
    for wallet in wallets:
        spend(engine, wallet, 400)

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: relay.tell_some(), range(4)))

    assert sum(told) == len(wallets)
    for wallet in wallets:
        assert len(mails(engine, wallet)) == len(left_notices(engine, wallet)) == 1


def test_a_relay_that_dies_before_it_commits_has_told_nothing(engine, relay):
    wallet = a_starter(engine)
    spend(engine, wallet, 400)
    with engine.connect() as dying:
        dying.execute(text("SELECT FROM outbox WHERE topic = 'alert' FOR UPDATE"))
        assert relay.tell_some() == 0  # another relay has it in hand
        dying.rollback()

    assert relay.tell_some() == 1
    assert len(mails(engine, wallet)) == 1


def test_a_notice_is_read_once(engine, relay):
    wallet = a_starter(engine)
    spend(engine, wallet, 400)
    relay.tell_some()
    (notice,) = left_notices(engine, wallet, unread_only=True)

    with engine.begin() as connection:
        for count in (1, 0):
            read = notices.mark_read(connection, wallet.account_id, [notice.notice_id], NOON)
            assert read == count

    assert left_notices(engine, wallet, unread_only=True) == ()
    assert left_notices(engine, wallet)[0].read_at == NOON


def test_an_alert_of_a_catalog_that_is_gone_says_why_it_was_not_told(engine, relay):
    wallet = a_starter(engine)
    with engine.begin() as connection:
        connection.execute(
            text("""
                UPDATE subscriptions SET plan = jsonb_set(plan, '{catalog}', '"gone"')
                WHERE account_id = :a
            """),
            {"a": wallet.account_id},
        )
    spend(engine, wallet, 400)

    assert relay.tell_some() == 1

    with engine.connect() as connection:
        refused = connection.scalar(text("SELECT refused FROM outbox WHERE topic = 'alert'"))
    assert refused.startswith("unknown_catalog")


def test_the_meter_tells_balance_burn_and_what_comes_next(engine):
    wallet = a_starter(engine)
    spend(engine, wallet, 120)

    with engine.connect() as connection:
        told = meter(connection, wallet.account_id, NOON + timedelta(hours=1))

    assert told["available"] == {"credits": "380"}
    assert (told["per_day"], told["days_left"]) == ("120", 3)
    assert told["used_most"] == {"operation": "120"}
    assert (told["next_alert_at"], told["suggested_pack"]) == ("100", "pack_5000")
    assert told["next_reset"] == MONTH_END.isoformat()
