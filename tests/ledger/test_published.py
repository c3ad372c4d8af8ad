"""The database remembers what was published; two workers that start at once agree on it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb
from sqlalchemy import select

from catalogs.reader import read_catalog, read_list
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.pricing.catalog import RateVersion
from domain.pricing.in_currency import plan_in
from domain.pricing.published import Edit, items_of, plan_item, rate_item
from ledger import published, subscriptions
from models.tables import PublishedRow
from tests.builders import NOON, START, a_subscribed_wallet
from tests.price_lists import shipped

ROOT = Path(__file__).parents[2]
LISTS = shipped()
MAKE = LISTS["make"]
SAMPLE = read_catalog(ROOT / "tests" / "catalogs" / "sample.yaml")
CORE = MAKE.plan("core_10k")
# Of a name of its own: other tests leave subscriptions to the real list in the shared database.
OWN = replace(MAKE, name="own", plans=tuple(replace(plan, catalog="own") for plan in MAKE.plans))
OWN_CORE = OWN.plan("core_10k")
EXAMPLE = read_catalog(ROOT / "catalogs" / "examples" / "make_world.yaml")
WORLD = replace(
    EXAMPLE,
    name="own_world",
    plans=tuple(replace(plan, catalog="own_world") for plan in EXAMPLE.plans),
    elsewhere=tuple(replace(plan, catalog="own_world") for plan in EXAMPLE.elsewhere),
)
SOUND = {
    "catalog": "c",
    "item": "plan core 1",
    "revision": 1,
    "terms": Jsonb({}),
    "made_by": "ann",
    "reason": "agreed",
    "at": NOON,
}
ATTACKS = (
    ("published_catalog", {"catalog": ""}),
    ("published_item", {"item": "voucher ten 1"}),
    ("published_revision", {"revision": 0}),
    ("published_terms", {"terms": Jsonb([])}),
    ("published_made_by", {"made_by": ""}),
    ("published_reason", {"reason": ""}),
    ("published_re_rate", {"reason": None}),
    ("published_re_rate", {"made_by": None}),
    ("published_pk", {"item": "plan known 1"}),
)


def edited(plan=CORE, **changes):
    other = replace(plan, **changes)
    plans = tuple(other if one is plan else one for one in MAKE.plans)
    return replace(MAKE, plans=plans)


def rows(connection, item):
    found = connection.execute(
        select(PublishedRow.revision, PublishedRow.made_by, PublishedRow.reason)
        .where(PublishedRow.item == item)
        .order_by(PublishedRow.revision)
    )
    return [tuple(one) for one in found]


@pytest.mark.parametrize("catalog", LISTS.values(), ids=lambda catalog: catalog.name)
def test_what_is_published_is_read_back_as_it_was(ledger, catalog):
    assert published.publish(ledger, catalog, NOON).fresh == items_of(catalog)

    assert published.published(ledger, catalog.name) == items_of(catalog)
    again = published.publish(ledger, catalog, NOON)
    assert (again.refused, again.fresh, again.withdrawn) == ((), {}, ())


def test_a_list_that_is_edited_under_its_version_publishes_nothing(ledger):
    published.publish(ledger, MAKE, NOON)
    newer = replace(CORE, version=2)
    read = replace(edited(price_minor=1200), plans=(*edited(price_minor=1200).plans, newer))

    refused = published.publish(ledger, read, NOON).refused

    assert {(one.item, one.edit) for one in refused} == {(plan_item(CORE), Edit.CHANGED)}
    assert published.published(ledger, "make") == items_of(MAKE)


def test_what_a_later_release_adds_takes_its_default(ledger):
    published.publish(ledger, MAKE, NOON)
    known = ledger.scalar(select(PublishedRow.terms).where(PublishedRow.item == "plan core_10k 1"))
    older = {key: value for key, value in known.items() if key not in ("grace_days", "alerts")}
    ledger.execute(
        PublishedRow.__table__.insert().values(
            catalog="make", item="plan core_10k 1", revision=2, terms=older, at=NOON
        )
    )

    assert published.publish(ledger, MAKE, NOON).refused == ()


def test_a_removed_plan_is_missed_while_a_subscription_is_on_it_or_will_be(ledger):
    published.publish(ledger, OWN, NOON)
    without = replace(OWN, plans=tuple(one for one in OWN.plans if one is not OWN_CORE))
    assert published.publish(ledger, without, NOON).refused == ()

    for column in ("next_plan", "plan"):
        with ledger.begin_nested() as undone:
            wallet = a_subscribed_wallet(ledger)
            values = {column: subscriptions.as_json(OWN_CORE)}
            subscriptions.write(ledger, wallet.subscription_id, NOON, **values)
            (missed,) = published.publish(ledger, without, NOON).refused
            assert (missed.item, missed.edit) == (plan_item(OWN_CORE), Edit.REMOVED)
            subscriptions.write(ledger, wallet.subscription_id, NOON, status="ended")
            assert published.publish(ledger, without, NOON).refused == ()
            undone.rollback()


def test_a_currency_is_missed_while_a_subscription_pays_in_it(ledger):
    published.publish(ledger, WORLD, NOON)
    assert published.published(ledger, WORLD.name) == items_of(WORLD)
    euros = plan_in(WORLD, "core_10k", currency="EUR")
    left = tuple(one for one in WORLD.elsewhere if one.currency != "EUR")
    wallet = a_subscribed_wallet(ledger)
    subscriptions.write(
        ledger, wallet.subscription_id, NOON, plan=subscriptions.as_json(WORLD.plan("core_10k"))
    )
    assert published.publish(ledger, replace(WORLD, elsewhere=left), NOON).refused == ()

    subscriptions.write(ledger, wallet.subscription_id, NOON, plan=subscriptions.as_json(euros))
    (missed,) = published.publish(ledger, replace(WORLD, elsewhere=left), NOON).refused
    assert (missed.item, missed.edit) == (plan_item(euros, "USD"), Edit.REMOVED)


def test_a_removed_plan_that_comes_back_is_what_it_was(ledger):
    published.publish(ledger, OWN, NOON)
    published.publish(ledger, replace(OWN, plans=OWN.plans[1:]), NOON)
    first = OWN.plans[0]

    refused = published.publish(
        ledger,
        replace(OWN, plans=(replace(first, price_minor=first.price_minor + 1), *OWN.plans[1:])),
        NOON,
    )

    assert {one.item for one in refused.refused} == {plan_item(first)}


def test_a_rate_that_is_called_off_in_time_is_not_missed_later(ledger):
    call = SAMPLE.action("call")
    published.publish(ledger, SAMPLE, START)
    without = replace(SAMPLE, actions=(replace(call, rates=call.rates[:1]),))
    later = call.rates[1].effective_from + timedelta(days=1)

    assert published.publish(ledger, without, START).withdrawn == (rate_item(call, call.rates[1]),)
    assert published.publish(ledger, without, later).refused == ()
    (late,) = published.publish(ledger, SAMPLE, later).refused
    assert late.edit is Edit.ADDED


def test_a_re_rate_is_a_new_row_with_its_author_and_the_old_one_stays(ledger):
    published.publish(ledger, MAKE, NOON)
    read = edited(price_minor=1200)

    done = published.rerate(ledger, catalog=read, at=NOON, by="ann", reason="agreed with all")
    assert {one.item for one in done.refused} == {plan_item(CORE)}

    assert published.publish(ledger, read, NOON).refused == ()
    assert {one.item for one in published.publish(ledger, MAKE, NOON).refused} == {plan_item(CORE)}
    assert rows(ledger, "plan core_10k 1") == [(1, None, None), (2, "ann", "agreed with all")]
    assert published.rerate(ledger, catalog=read, at=NOON, by="ann", reason="again").refused == ()
    assert len(rows(ledger, "plan core_10k 1")) == 2


def test_a_re_rate_may_take_a_rate_out_of_the_past(ledger):
    call = SAMPLE.action("call")
    published.publish(ledger, SAMPLE, START)
    past = RateVersion(START, call.rates[0].ways[1:])
    read = replace(SAMPLE, actions=(replace(call, rates=(past,)),))
    assert len(published.publish(ledger, read, NOON).refused) == 2

    published.rerate(ledger, catalog=read, at=NOON, by="ann", reason="wrong from the start")

    assert published.publish(ledger, read, NOON).refused == ()
    assert rate_item(call, call.rates[0]) not in published.published(ledger, "sample")


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("ann", ""), (" ", "why")])
def test_a_re_rate_needs_a_name_and_a_reason(ledger, by, reason):
    with pytest.raises(InvalidInput) as refusal:
        published.rerate(ledger, catalog=MAKE, at=NOON, by=by, reason=reason)
    assert refusal.value.reason == "reason_missing"


def test_of_two_lists_read_at_once_one_is_published_and_the_other_compared(engine):
    more = replace(CORE.allowances[0], quantity_micro=15_000 * MICRO)
    lists = (MAKE, edited(allowances=(more,))) * 4
    together = Barrier(len(lists))

    def start(catalog):
        together.wait()
        with engine.begin() as connection:
            return bool(published.publish(connection, catalog, NOON).refused)

    with ThreadPoolExecutor(len(lists)) as threads:
        refused = list(threads.map(start, lists))

    assert refused in ([False, True] * 4, [True, False] * 4)
    with engine.connect() as connection:
        assert published.published(connection, "make") == items_of(lists[refused.index(False)])
        assert {one for (one,) in connection.execute(select(PublishedRow.revision))} == {1}


def a_list(catalog, file):
    return replace(read_list(ROOT / "catalogs" / "make.yaml"), catalog=catalog, file=file)


def test_all_lists_are_published_or_none(engine):
    published.take_up(engine, [a_list(MAKE, "make.yaml")], NOON)
    other = a_list(replace(MAKE, name="other"), "other.yaml")

    with pytest.raises(InvalidInput) as refusal:
        published.take_up(engine, [other, a_list(edited(price_minor=1200), "make.yaml")], NOON)

    assert refusal.value.reason == "already_published"
    assert "make.yaml:" in str(refusal.value)
    with engine.connect() as connection:
        assert published.published(connection, "other") == {}


def test_a_whole_list_is_missed_while_somebody_is_on_its_plans(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection)
        kept = subscriptions.as_json(CORE)
        subscriptions.write(connection, wallet.subscription_id, NOON, plan=kept)
    other = a_list(replace(MAKE, name="other"), "other.yaml")

    with pytest.raises(InvalidInput) as refusal:
        published.take_up(engine, [other], NOON)
    assert "make: the whole list is missing" in str(refusal.value)

    published.take_up(engine, [other, a_list(MAKE, "make.yaml")], NOON)


@pytest.mark.parametrize(("constraint", "changes"), ATTACKS)
def test_a_row_that_breaks_a_constraint_is_refused_by_its_name(
    session_database, constraint, changes
):
    columns = ", ".join(SOUND)
    places = ", ".join(f"%({name})s" for name in SOUND)
    insert = f"INSERT INTO published ({columns}) VALUES ({places})"
    with psycopg.connect(session_database.owner_url) as connection:
        connection.execute(insert, SOUND | {"item": "plan known 1"})
        with pytest.raises(errors.IntegrityError) as refusal:
            connection.execute(insert, SOUND | changes)
        assert refusal.value.diag.constraint_name == constraint
        connection.rollback()


@pytest.mark.parametrize(
    "attack", ["UPDATE published SET terms = NULL", "DELETE FROM published", "TRUNCATE published"]
)
def test_what_was_published_is_never_rewritten_even_by_its_owner(session_database, attack):
    with (
        psycopg.connect(session_database.url) as app,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        app.execute(attack)
    with psycopg.connect(session_database.owner_url) as owner:
        columns = ", ".join(SOUND)
        places = ", ".join(f"%({name})s" for name in SOUND)
        owner.execute(f"INSERT INTO published ({columns}) VALUES ({places})", SOUND)
        with pytest.raises(psycopg.Error) as refusal:
            owner.execute(attack)
        assert refusal.value.sqlstate == "DD001"
        owner.rollback()
