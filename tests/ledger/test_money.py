"""Money: every paid unit ends as revenue or breakage, to the last minor unit."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from domain.credits import MICRO
from domain.money import (
    Ratio,
    allocate,
    credits_price,
    maximum_charge_minor,
    recognised,
    surcharged,
)
from ledger import balances, grants
from ledger.payments import charges
from models.tables import GrantRow
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    a_wallet,
    auto_purchase_on,
    bought,
    micro,
    set_policy,
    use,
)

BIGGEST = 10**12 * MICRO


def test_m16_an_auto_purchase_becomes_revenue_and_breakage(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, **auto_purchase_on())
    bought(ledger, wallet)
    assert balances.books(ledger, wallet.account_id) == {"cash": 1170, "deferred_revenue": -1170}

    use(ledger, wallet, 4_000)
    grants.expire_due(ledger, wallet.account_id, MONTH_END)

    assert balances.books(ledger, wallet.account_id) == {
        "cash": 1170,
        "deferred_revenue": 0,
        "revenue": -468,
        "breakage": -702,
    }


def test_m04_four_units_under_the_cap_and_no_fifth(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, **auto_purchase_on(cap=40_000))

    for number in range(4):
        bought(ledger, wallet, f"auto-{number}")
        assert use(ledger, wallet, 10_000).crossed

    refused = charges.reserve_auto_purchase(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id="auto-5",
        needed_micro=0,
        at=NOON,
    )
    assert refused.status == "cap_reached"
    assert charges.auto_purchased(ledger, wallet.account_id) == (micro(40_000), 4 * 1170)
    assert use(ledger, wallet, 1).status == "cap_reached"


SECOND = timedelta(seconds=1)
YEAR_END = datetime(2028, 1, 1, tzinfo=UTC)
MONTHS = [datetime(2027 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(13)]


def test_a_cap_of_a_month_counts_anew_each_month_of_a_year(ledger):
    policy = auto_purchase_on(cap=20_000, cap_bounds=MONTHS)
    wallet = a_subscribed_wallet(ledger, 0, windows=((START, YEAR_END),), **policy)
    for month in (MONTHS[0], MONTHS[1] - SECOND, MONTHS[1], MONTHS[11]):
        names = [f"{month}-{n}" for n in range(2)] if month != MONTHS[1] - SECOND else []
        for name in names:
            bought(ledger, wallet, name, at=month, until=YEAR_END)
            use(ledger, wallet, 10_000, at=month)
        assert reserve(ledger, wallet, f"{month}-more", month).status == "cap_reached"
        assert use(ledger, wallet, 1, at=month).status == "cap_reached"
        assert use(ledger, wallet, 0, at=month).status == "debited"
    assert charges.auto_purchased(ledger, wallet.account_id) == (micro(20_000), 2 * 1170)
    assert charges.cap_ends(ledger, wallet.account_id) == YEAR_END
    assert balances.violations(ledger) == []


def test_a_cap_of_a_year_counts_on_over_monthly_windows(ledger):
    windows = ((START, MONTH_END), (MONTH_END, MONTHS[2]))
    policy = auto_purchase_on(cap=20_000, cap_bounds=[START, YEAR_END])
    wallet = a_subscribed_wallet(ledger, 0, windows=windows, **policy)
    for at in (START, MONTH_END):
        bought(ledger, wallet, f"auto-{at}", at=at, until=YEAR_END)
        use(ledger, wallet, 10_000, at=at)
    assert reserve(ledger, wallet, "more", MONTH_END).status == "cap_reached"
    assert charges.auto_purchased(ledger, wallet.account_id) == (micro(20_000), 2 * 1170)


def test_a_purchase_counts_against_the_cap_of_the_month_in_which_it_is_paid(ledger):
    policy = auto_purchase_on(cap=10_000, cap_bounds=MONTHS)
    wallet = a_subscribed_wallet(ledger, 0, windows=((START, YEAR_END),), **policy)
    assert reserve(ledger, wallet, "slow", START).status == "reserved"
    late = MONTHS[1] + SECOND
    charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id="slow",
        invoice="in_slow",
        amount_minor=1170,
        at=late,
    )
    assert reserve(ledger, wallet, "more", late).status == "cap_reached"
    assert charges.auto_purchased(ledger, wallet.account_id) == (micro(10_000), 1170)


def reserve(connection, wallet, name, at):
    return charges.reserve_auto_purchase(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=name,
        needed_micro=0,
        at=at,
    )


def test_m04_an_action_of_five_with_three_left_buys_first_then_draws_from_both(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=3, **auto_purchase_on())

    assert use(ledger, wallet, 5, key="five").status == "purchase_needed"
    assert bought(ledger, wallet, needed=5).quantity_micro == micro(10_000)
    outcome = use(ledger, wallet, 5, key="five")

    assert (outcome.status, outcome.available_micro) == ("debited", micro(9_998))
    changes = [line.change_micro for line in balances.history(ledger, wallet.account_id)][-2:]
    assert changes == [-micro(3), -micro(2)]


def test_one_purchase_covers_a_shortfall_of_several_units(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, **auto_purchase_on(cap=30_000))

    assert bought(ledger, wallet, needed=20_001).quantity_micro == micro(30_000)


def test_an_event_larger_than_what_the_cap_leaves_buys_nothing(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=0, **auto_purchase_on(cap=20_000))

    assert use(ledger, wallet, 20_001).status == "cap_reached"
    refused = charges.reserve_auto_purchase(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id="auto",
        needed_micro=micro(20_001),
        at=NOON,
    )
    assert refused.status == "cap_reached"


def test_m07_a_yearly_charge_is_shared_by_twelve_monthly_grants_to_the_cent(ledger):
    starts = [START + timedelta(days=30 * k) for k in range(13)]
    wallet = a_wallet(ledger)
    a_paid_charge(ledger, wallet, "year", 10_801)
    shares = allocate(10_801, [1] * 12)
    for part, share in enumerate(shares):
        order = a_grant(
            key=f"year:{part}",
            quantity_micro=micro(10_000),
            effective_at=starts[part],
            expires_at=starts[part + 1],
            cost_minor=share,
            charge_id="year",
            part=part,
        )
        grants.give(ledger, wallet.account_id, order, START)

    grants.expire_due(ledger, wallet.account_id, starts[12])

    assert balances.books(ledger, wallet.account_id) == {
        "cash": 10_801,
        "deferred_revenue": 0,
        "breakage": -10_801,
    }


steps = st.lists(
    st.tuples(st.sampled_from(["use", "use", "remove"]), st.integers(1, 60), st.booleans()),
    max_size=12,
)


@settings(max_examples=40)
@given(cost=st.integers(1, 3_000), quantity=st.integers(1, 150), steps=steps)
def test_revenue_and_breakage_of_a_grant_sum_to_its_cost_whatever_the_steps(
    session_engine, cost, quantity, steps
):
    with session_engine.connect() as ledger:
        wallet = a_subscribed_wallet(ledger, quantity, amount_minor=cost)
        used = 0
        for number, (what, amount, recognise) in enumerate(steps):
            if what == "use":
                used += amount * (use(ledger, wallet, amount).status == "debited")
            else:
                grants.remove(
                    ledger,
                    account_id=wallet.account_id,
                    key=f"correction-{number}",
                    credit_type="credits",
                    quantity_micro=micro(amount),
                    tags="{}",
                    at=NOON,
                )
            if recognise:
                grants.expire_due(ledger, wallet.account_id, NOON)
                earned = -balances.books(ledger, wallet.account_id).get("revenue", 0)
                assert earned == recognised(cost, used, quantity)
        grants.expire_due(ledger, wallet.account_id, MONTH_END)

        books = balances.books(ledger, wallet.account_id)
        assert books["deferred_revenue"] == 0
        assert -books.get("revenue", 0) == recognised(cost, used, quantity)
        assert -books.get("revenue", 0) - books.get("breakage", 0) == cost
        assert balances.violations(ledger) == []
        ledger.rollback()


@given(
    quantity=st.integers(1, BIGGEST),
    unit=st.builds(Ratio, st.integers(0, 10**9), st.integers(1, 10**12)),
)
def test_the_ledger_prices_credits_as_the_rules_do(owner, quantity, unit):
    assume(credits_price(quantity, unit, "USD") < 2**63)
    values = {"q": quantity, "n": unit.num, "d": unit.den}

    price = owner.scalar(text("SELECT price_minor(:q, :n, :d)"), values)

    assert price == credits_price(quantity, unit, "USD")


@settings(max_examples=60)
@given(
    unit=st.integers(1, 10**11),
    needed=st.integers(0, 10**12),
    price=st.builds(Ratio, st.integers(1, 10**6), st.integers(1, 10**9)),
    percent=st.builds(Ratio, st.integers(0, 500), st.integers(1, 100)),
    currency=st.sampled_from(["USD", "JPY", "KWD", "ISK"]),
)
def test_a_reserved_purchase_costs_what_the_rules_say(
    session_engine, unit, needed, price, percent, currency
):
    with session_engine.connect() as ledger:
        wallet = a_subscribed_wallet(ledger, allowance=0)
        units = max(1, -(-needed // unit))
        base, surcharge = surcharged(units * unit, price, percent, currency)
        if base + surcharge == 0:
            return
        terms = auto_purchase_on(
            auto_unit=unit,
            auto_cap=units * unit,
            auto_price_num=price.num,
            auto_price_den=price.den,
            auto_surcharge_num=percent.num,
            auto_surcharge_den=100 * percent.den,
            currency=currency,
        )
        set_policy(ledger, wallet, **terms)

        reserved = charges.reserve_auto_purchase(
            ledger,
            account_id=wallet.account_id,
            subscription_id=wallet.subscription_id,
            charge_id="auto",
            needed_micro=needed,
            at=NOON,
        )

        if base + surcharge > maximum_charge_minor(currency):
            assert reserved.status == "above_maximum"
        else:
            assert reserved.quantity_micro == units * unit
            assert reserved.surcharge_minor == surcharge
            assert reserved.amount_minor == base + surcharge
        ledger.rollback()


def test_every_grant_of_a_charge_is_named_once(ledger):
    wallet = a_subscribed_wallet(ledger)

    rows = ledger.execute(
        select(GrantRow.charge_id, GrantRow.part).where(GrantRow.account_id == wallet.account_id)
    ).all()

    assert rows == [(f"{wallet.subscription_id}:period:0", 0)]
