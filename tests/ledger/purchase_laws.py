"""Laws of packs and of what moves on, for the battery of laws.py: each notices a seeded fault."""

from dataclasses import replace
from datetime import timedelta

from domain.credits import MICRO, MOST
from domain.money import Ratio
from domain.payments.charges import ChargeKind
from domain.usage import Attempt, PricedWay, Terms
from ledger import accounts, balances, grants
from ledger.grants import RollTerms
from ledger.payments import charges
from ledger.usage import debits
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_paid_charge,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    left,
    micro,
    pay_auto,
    reserve_auto,
    set_policy,
    use,
)
from tests.ledger.returns import a_pack, refund
from tests.ledger.test_rollover import an_allowance, opened
from tests.ledger.undone import undone

PACK = {"pack_id": "small", "count": 1}


def wanted(connection, wallet, pack, charge_id="pack-1", at=NOON, **more):
    return charges.open_charge(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge_id,
        kind=ChargeKind.PACK,
        currency="USD",
        amount_minor=2_500,
        quantity_micro=micro(500),
        at=at,
        pack=pack,
        **more,
    )


def a_pack_is_asked_for_once_and_not_while_payment_is_paused(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=5)
        assert wanted(connection, wallet, PACK) == "opened"
        assert wanted(connection, wallet, PACK) == "repeated"
        assert wanted(connection, wallet, PACK | {"count": 2}) == "idempotency_conflict"
        accounts.set_paused(connection, wallet.account_id, "payment_failed", NOON, paused=True)
        assert wanted(connection, wallet, PACK, "pack-2") == "paused:payment_failed"
        set_policy(connection, wallet, buys_while_paused=True)
        assert wanted(connection, wallet, PACK, "pack-2") == "opened"


def only_a_payment_method_of_a_kind_that_is_taken_pays(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, 10, **auto_purchase_on(pays_with="bank_debit"))
        refusal = "payment_method_not_accepted"
        assert wanted(connection, wallet, PACK, takes=["card"]) == refusal
        assert use(connection, wallet, 11).status == refusal
        reserved = reserve_auto(connection, wallet=wallet, charge_id="a", needed=11, at=NOON)
        assert reserved.status == refusal
        assert wanted(connection, wallet, PACK, takes=["card", "bank_debit"]) == "opened"
        # What was taken already is not asked again when the plan takes less.
        assert wanted(connection, wallet, PACK, takes=["card"]) == "repeated"
        set_policy(connection, wallet, auto_kinds=["card", "bank_debit"])
        assert use(connection, wallet, 11).status == "purchase_needed"
        reserved = reserve_auto(connection, wallet=wallet, charge_id="a", needed=11, at=NOON)
        assert reserved.status == "reserved"
        set_policy(connection, wallet, card_usable=False)
        assert wanted(connection, wallet, PACK, "pack-2", takes=["card"]) == "opened"


def what_comes_with_a_purchase_costs_nothing_and_is_not_what_was_bought(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        charge = a_paid_charge(
            connection,
            wallet,
            "manual-1",
            90,
            kind=ChargeKind.MANUAL,
            quantity_micro=micro(1_000),
            at=NOON,
        )
        facts = {"charge_id": charge, "source": "manual_purchase", "effective_at": NOON}
        bought = a_grant(**facts, quantity_micro=micro(1_000), cost_minor=90, part=0)
        came = a_grant(**facts, quantity_micro=micro(7), credit_type="traffic", part=1)
        grants.give(connection, wallet.account_id, came, NOON)
        assert balances.violations(connection) != []
        grants.give(connection, wallet.account_id, bought, NOON)
        assert balances.violations(connection) == []


def what_is_unused_moves_on_as_agreed(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        an_allowance(connection, wallet, rolls=RollTerms(1, Ratio(1, 2), micro(150), 15))
        use(connection, wallet, 400)
        assert grants.expire_due(connection, wallet.account_id, MONTH_END) == 0
        assert opened(connection, wallet, 1) == micro(50)
        assert left(connection, wallet, MONTH_END) == micro(50)
        assert balances.books(connection, wallet.account_id)["deferred_revenue"] == -290
        assert balances.violations(connection) == []
        assert opened(connection, wallet, 2) == micro(50)
        assert balances.violations(connection) == []
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)
        an_allowance(connection, wallet, rolls=RollTerms(1, Ratio(1, 2), micro(150), 15))
        opened(connection, wallet, 1)
        assert left(connection, wallet, MONTH_END) == micro(150)


def what_went_back_earns_nothing_when_the_rest_runs_out(engine, _):
    with undone(engine) as connection:
        wallet, pack = a_pack(connection, used=100, expires_at=MONTH_END)
        assert refund(connection, wallet, pack, 1_350).status == "refunded"
        assert grants.expire_due(connection, wallet.account_id, MONTH_END) == micro(600)
        books = balances.books(connection, wallet.account_id)
        assert (books["revenue"], books["breakage"]) == (-450, -2_700)
        assert balances.violations(connection) == []


def a_cap_counts_between_its_own_bounds(engine, _):
    second = MONTH_END + timedelta(days=28)
    with undone(engine) as connection:
        policy = auto_purchase_on(cap_bounds=[START, MONTH_END, second])
        wallet = a_subscribed_wallet(connection, 0, windows=((START, second),), **policy)
        for at in (START, MONTH_END):
            reserved = reserve_auto(
                connection, wallet=wallet, charge_id=f"auto-{at}", needed=1, at=at
            )
            assert reserved.status == "reserved"
            assert use(connection, wallet, 10_000, at=at).status == "purchase_needed"
            assert use(connection, wallet, 10_001, at=at).status == "cap_reached"
            pay_auto(connection, wallet=wallet, reserved=reserved, at=at, until=second)
            assert use(connection, wallet, 10_000, at=at).crossed
            assert use(connection, wallet, 1, at=at).status == "cap_reached"


def an_auto_purchase_in_dinars_is_in_tens(engine, _):
    terms = {"auto_price_num": 465, "auto_price_den": 1_000 * MICRO, "currency": "KWD"}
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, 0, **auto_purchase_on(MOST, **terms))
        reserved = reserve_auto(connection, wallet, "one", 1)
        assert (reserved.amount_minor, reserved.surcharge_minor) == (6_050, 1_400)  # of 6,045


def nothing_waits_for_what_cannot_be_charged_at_once(engine, _):
    dear = {"auto_unit": micro(1), "auto_price_num": 50_000_000, "auto_price_den": MICRO}
    dear |= {"auto_surcharge_num": 0, "auto_surcharge_den": 1}
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, 0, **auto_purchase_on(MOST, **dear))
        for needed in (2, MOST):
            assert use(connection, wallet, needed).status == "above_maximum"
            assert reserve_auto(connection, wallet, "two", needed).status == "above_maximum"
        assert use(connection, wallet, 1).status == "purchase_needed"
        assert reserve_auto(connection, wallet, "one", 1).status == "reserved"


def credits_for_other_actions_stop_no_purchase(engine, _):
    """Whatever else is there, an event that only a purchase can serve gets it, once."""
    with undone(engine) as connection:
        for number, demand in enumerate((an_event, on_its_terms)):
            wallet = a_subscribed_wallet(connection, 3, **auto_purchase_on())
            grants.give(connection, wallet.account_id, a_grant(scope=("other",)), NOON)
            short = debits.debit(connection, [demand(wallet.account_id, 5)], NOON)[0]
            assert (short.status, short.missing_micro) == ("purchase_needed", micro(2))
            needed = (short.missing_micro + short.available_micro) // MICRO
            reserved = reserve_auto(connection, wallet, f"auto-{number}", needed)
            assert (reserved.status, reserved.quantity_micro) == ("reserved", micro(10_000))
            pay_auto(connection, wallet, reserved)
            assert reserve_auto(connection, wallet, "again", needed).status == "not_needed"
            assert use(connection, wallet, 5).status == "debited"


def on_its_terms(account_id, amount):
    demand = an_event(account_id, amount)
    way = PricedWay("credits", MICRO, MICRO)
    terms = Terms((Attempt("operation", (way,)),))
    return replace(demand, priced=replace(demand.priced, terms=terms))


PURCHASE_LAWS = (
    credits_for_other_actions_stop_no_purchase,
    nothing_waits_for_what_cannot_be_charged_at_once,
    an_auto_purchase_in_dinars_is_in_tens,
    a_cap_counts_between_its_own_bounds,
    what_went_back_earns_nothing_when_the_rest_runs_out,
    what_is_unused_moves_on_as_agreed,
    a_pack_is_asked_for_once_and_not_while_payment_is_paused,
    only_a_payment_method_of_a_kind_that_is_taken_pays,
    what_comes_with_a_purchase_costs_nothing_and_is_not_what_was_bought,
)
