"""`cli.py catalog rerate` shows everyone affected, and alone changes what was published."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import cli
from catalogs.reader import load_lists, read_catalog
from domain.pricing.catalog import Plan
from domain.pricing.in_currency import plan_in
from ledger import published, subscriptions
from ledger.affected import affected as affected_of
from ledger.usage import debits, holds
from models.base import connect
from models.tables import PublishedRow
from settings import CATALOGS
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, an_event
from tests.deployment import environment

LISTS_OF_TESTS = Path(__file__).parent
DAY = timedelta(days=1)
MAKE = read_catalog(CATALOGS / "make.yaml")
CORE = MAKE.plan("core_10k")
ALLOWANCE = ("quantity: 10000}]", "quantity: 15000}]")
RATE = ("cost: 1", "cost: 7")  # of an operation, in force for ever
REASON = ("--by", "ann", "--reason", "agreed with all")


@pytest.fixture
def engine(monkeypatch, database):
    """A database in which our own price lists are published, named by the environment."""
    for name, text in environment(database.url).items():
        monkeypatch.setenv(name, text)
    made = connect(database.url)
    published.take_up(made, load_lists(CATALOGS), NOON)
    yield made
    made.dispose()


@pytest.fixture
def rerate(tmp_path, capsys):
    """A function that re-rates our list with one text replaced; it returns code and output."""

    def run(edit, *words):
        text = (CATALOGS / "make.yaml").read_text(encoding="utf-8")
        assert edit[0] in text
        file = tmp_path / "make.yaml"
        file.write_text(text.replace(*edit, 1), encoding="utf-8")
        code = cli.main(["catalog", "rerate", str(file), *words])
        out, err = capsys.readouterr()
        return code, out + err

    return run


def affected(tmp_path):
    with (tmp_path / "affected.csv").open(encoding="utf-8") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def subscriber(connection, plan: Plan, **columns):
    wallet = a_subscribed_wallet(connection)
    kept = {name: subscriptions.as_json(one) for name, one in columns.items()}
    subscriptions.write(
        connection, wallet.subscription_id, START, plan=subscriptions.as_json(plan), **kept
    )
    return wallet


def revisions(engine, item):
    with engine.connect() as connection:
        query = select(PublishedRow.revision, PublishedRow.made_by, PublishedRow.reason)
        found = connection.execute(query.where(PublishedRow.item == item).order_by("revision"))
        return [tuple(one) for one in found]


def test_a_preview_shows_who_is_on_the_plan_or_will_be_and_changes_nothing(
    engine, rerate, tmp_path
):
    larger = MAKE.plan("core_40k")
    with engine.begin() as connection:
        on_it, coming = subscriber(connection, CORE), subscriber(connection, larger, next_plan=CORE)
        subscriber(connection, larger)
        ended = subscriber(connection, CORE)
        subscriptions.write(connection, ended.subscription_id, START, status="ended")

    code, _ = rerate(ALLOWANCE, "--preview", "--csv", str(tmp_path / "affected.csv"))

    assert code == 0
    change = "allowances[0].quantity: 10000 → 15000"
    assert sorted(row[:2] for row in affected(tmp_path)) == sorted(
        (one.customer_id, one.subscription_id) for one in (on_it, coming)
    )
    assert all(change in row[3] for row in affected(tmp_path))
    assert revisions(engine, "plan core_10k 1") == [(1, None, None)]


def test_a_price_in_one_currency_affects_who_pays_in_it(engine, tmp_path, capsys):
    text = (CATALOGS / "examples" / "make_world.yaml").read_text(encoding="utf-8")
    world = read_catalog(text)
    with engine.begin() as connection:
        published.publish(connection, world, NOON)
        subscriber(connection, world.plan("core_10k"))
        euros = subscriber(connection, plan_in(world, "core_10k", currency="EUR"))
    draft, out = tmp_path / "make_world.yaml", tmp_path / "affected.csv"
    draft.write_text(text.replace('EUR: "8.50"', 'EUR: "8.90"'), encoding="utf-8")

    assert cli.main(["catalog", "rerate", str(draft), "--preview", "--csv", str(out)]) == 0
    capsys.readouterr()

    ((customer, _, item, changes, *_),) = affected(tmp_path)
    assert (customer, item) == (euros.customer_id, "plan core_10k version 1 in EUR")
    assert changes.startswith("price: €8.50 → €8.90; ")


def test_a_past_rate_is_previewed_with_the_events_that_were_priced_by_it(engine, rerate, tmp_path):
    with engine.begin() as connection:
        wallet, other = subscriber(connection, CORE), subscriber(connection, CORE)
        quiet = subscriber(connection, CORE)
        demands = [
            an_event(wallet.account_id, 5),
            an_event(wallet.account_id, 2),
            an_event(other.account_id, 3),
            an_event(other.account_id, 4, action="llm_tokens"),
        ]
        debits.debit(connection, demands, NOON)
        held = an_event(other.account_id, 1, key="held").priced
        holds.hold(
            connection, account_id=other.account_id, priced=held, lapses_at=MONTH_END, at=NOON
        )
        holds.capture(
            connection,
            account_id=other.account_id,
            key="held",
            quantity_micro=held.event.quantity_micro,
            at=NOON,
        )

    code, out = rerate(RATE, "--preview", "--csv", str(tmp_path / "affected.csv"))

    assert (code, out) == (0, "")
    of = ("the rate of operation", "ways[0].rate.credits: 1 → 7")
    rows = affected(tmp_path)
    assert sorted(rows[:2]) == sorted(
        (one.customer_id, "-", *of, *figures)
        for one, figures in ((wallet, ("2", "7 credits")), (other, ("2", "4 credits")))
    )
    # The rate is in force: who used nothing yet will pay it too.
    assert rows[2:] == [(quiet.customer_id, quiet.subscription_id, *of, "0", "-")]


@pytest.mark.parametrize(("at", "concerned"), [(NOON, 2), (MONTH_END + DAY, 1)])
def test_a_rate_that_is_over_concerns_only_whose_events_it_priced(engine, at, concerned):
    sample = read_catalog(LISTS_OF_TESTS / "sample.yaml")
    call, plan = sample.action("call"), sample.plan("core")
    first, second = call.rates  # the second from the month's end on
    read = replace(sample, actions=(replace(call, rates=(replace(first, ways=()), second)),))
    with engine.begin() as connection:
        published.publish(connection, sample, START)
        caller = subscriber(connection, plan)
        subscriber(connection, plan)
        called = [an_event(caller.account_id, 2, action="call")]
        later = [an_event(caller.account_id, 1, action="call", event_at=MONTH_END)]
        debits.debit(connection, called, NOON)
        debits.debit(connection, later, NOON)
        compared = published.compared(connection, read, at)
        found = affected_of(connection, read, compared, at)

    assert len(found) == concerned
    assert (found[0].customer_id, found[0].events) == (caller.customer_id, 1)


def test_a_re_rate_is_published_with_its_author_and_its_reason(engine, rerate):
    code, told = rerate(ALLOWANCE, *REASON)

    assert code == 0
    assert "re-rated: plan core_10k version 1" in told
    assert "migrate-plans" in told
    assert revisions(engine, "plan core_10k 1") == [(1, None, None), (2, "ann", "agreed with all")]
    code, told = rerate(ALLOWANCE, *REASON)
    assert (code, "nothing is to be re-rated" in told) == (0, True)
    assert len(revisions(engine, "plan core_10k 1")) == 2


@pytest.mark.parametrize(
    "words", [(), ("--by", "ann"), ("--reason", "why"), ("--by", " ", "--reason", "x")]
)
def test_a_re_rate_without_a_name_and_a_reason_is_refused(engine, rerate, words):
    code, told = rerate(ALLOWANCE, *words)

    assert code == 2
    assert "reason_missing" in told
    assert revisions(engine, "plan core_10k 1") == [(1, None, None)]


def test_who_was_sold_the_text_that_comes_back_is_not_affected(engine, rerate, tmp_path):
    rerate(ALLOWANCE, *REASON)
    text = (CATALOGS / "make.yaml").read_text(encoding="utf-8")
    with engine.begin() as connection:
        subscriber(connection, CORE)
        anew = subscriber(connection, read_catalog(text.replace(*ALLOWANCE, 1)).plan("core_10k"))

    rerate(("brand: Make", "brand: Make"), *REASON, "--csv", str(tmp_path / "affected.csv"))

    assert [row[0] for row in affected(tmp_path)] == [anew.customer_id]
