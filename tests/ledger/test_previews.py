"""A preview says what the act itself would say in the same state: its numbers, or its reason."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from activities.context import BillingContext
from activities.plans.changes import ChangeActivities
from activities.plans.upgrades import PlanRequest, Upgrade
from activities.purchases.buyers import Buyer
from activities.purchases.extra_credits import PurchaseActivities, Switch
from activities.purchases.offers import OfferActivities
from activities.purchases.quotes import Books, quote, quote_switch
from catalogs.reader import read_catalog
from domain.messages.purchases import BuyCredits, BuyPack
from domain.periods import Window
from domain.pricing.promotions import LookedUp
from domain.pricing.proration import ChangeKind
from ledger import accounts, subscriptions
from ledger.payments import charges
from ledger.usage import policies
from models.tables import Subscription
from settings import CATALOGS
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, micro, set_policy
from tests.gateways.generated import full, listed, processor

LISTS = {name: read_catalog(CATALOGS / f"{name}.yaml") for name in ("make", "schematic")}
PLANS = [
    ("make", "free"), ("make", "core_10k"), ("make", "core_80k"), ("schematic", "enterprise"),
]  # fmt: skip
PERIOD = Window(0, START, MONTH_END)
WHEN = st.sampled_from([NOON, MONTH_END + timedelta(hours=1)])  # the second: its window is over
SHORT = micro(10_000) + 1  # the least that the wallet does not have
CODES = st.sampled_from(["", "WELCOME", "LOYAL", "NOBODY", "TENTH", "DEAR"])
UNITS = st.sampled_from([1, 999, 1_000, 5_000, 10**9, 10**11])
states = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(PLANS),
        "card": st.booleans(),
        "pauses": st.sets(st.sampled_from(["payment_failed", "by_operator"])),
        "at": WHEN,
    }
)


def a_code(spelt, **restrictions):
    """Make a promotion code of 10 % at the processor."""
    usual = {"minimum_amount": None, "minimum_amount_currency": None}
    coupon = full("coupon", id=spelt, percent_off=10, amount_off=None, max_redemptions=None)
    coupon |= {"redeem_by": None, "valid": True, "duration": "once", "currency_options": {}}
    coupon.pop("applies_to")
    return full(
        "promotion_code",
        id=f"promo_{spelt}",
        code=spelt,
        active=True,
        customer=None,
        customer_account=None,
        expires_at=None,
        max_redemptions=None,
        promotion={"type": "coupon", "coupon": coupon},
        restrictions={"first_time_transaction": False} | usual | restrictions,
    )


DEAR = {"minimum_amount": 100_000, "minimum_amount_currency": "usd"}
PROCESSOR = processor({"promotion_codes": listed(a_code("TENTH"), a_code("DEAR", **DEAR))})


def lived(engine, state, **policy):
    """Make a wallet in a state; return who buys in it."""
    plan = LISTS[state["plan"][0]].plan(state["plan"][1])
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection)
        period = {"period_k": 0, "period_start": START, "period_end": MONTH_END}
        connection.execute(
            update(Subscription)
            .where(Subscription.account_id == wallet.account_id)
            .values(plan=subscriptions.as_json(plan), status="active", **period)
        )
        policies.set_policy(connection, wallet.account_id, plan)
        set_policy(connection, wallet, card_usable=state["card"], **policy)
        for cause in sorted(state["pauses"]):
            accounts.set_paused(connection, wallet.account_id, cause, NOON, paused=True)
    return Buyer(
        subscription_id=wallet.subscription_id,
        customer_id=wallet.customer_id,
        account_id=wallet.account_id,
        payer="cus_1",
        plan=plan,
        period=PERIOD,
        window=PERIOD,
        at=state["at"],
    )


def books(engine):
    return Books(engine, PROCESSOR, LISTS)  # no plan here has tax: it is asked for codes only


def acted(engine, buyer, act, *wanted):
    """Open a purchase, with what the processor says about its code where it must be asked."""
    offers = OfferActivities(context(engine))
    opened = act(offers, buyer, "key-1", *wanted)
    if not opened.asks:
        return opened
    said = LookedUp(PROCESSOR.promotion(buyer.coupon, buyer.payer))
    return act(offers, replace(buyer, looked_up=said), "key-1", *wanted)


def context(engine):
    return BillingContext(engine, LISTS, "https://billing.example", ("secret",))


def needs_of(state):
    """Return what a preview says is missing: the act would be declined without it."""
    return None if state["card"] else "payment_method"


@settings(max_examples=50)
@given(state=states, units=UNITS, expected=st.sampled_from([None, 90]), coupon=CODES)
def test_a_preview_of_credits_is_the_act_s_answer(engine, state, units, expected, coupon):
    buyer = replace(lived(engine, state), expected_minor=expected, coupon=coupon)
    wanted = BuyCredits("key-1", micro(units), expected, coupon)
    told = quote(books(engine), buyer.subscription_id, wanted, buyer.at)

    opened = acted(engine, buyer, OfferActivities.open_manual, micro(units))
    is_as_told(told, opened, state)


@settings(max_examples=50)
@given(
    state=states,
    pack=st.sampled_from(["enterprise_50000", "none"]),
    count=st.sampled_from([1, 3]),
    coupon=CODES,
)
def test_a_preview_of_packs_is_the_act_s_answer(engine, state, pack, count, coupon):
    buyer = replace(lived(engine, state), coupon=coupon)
    wanted = BuyPack("key-1", pack, count, None, coupon)
    told = quote(books(engine), buyer.subscription_id, wanted, buyer.at)

    opened = acted(engine, buyer, OfferActivities.open_pack, pack, count)
    is_as_told(told, opened, state)


def is_as_told(told, opened, state):
    """What the act answers is what its preview did; at once where nothing is to be paid."""
    if told["status"] != "preview":
        assert told["reason"] == opened.status
        return
    assert told["amount_minor"] == opened.charge.amount_minor
    assert opened.status == ("opened" if told["amount_minor"] else "paid")
    assert told.get("needs") == (needs_of(state) if told["amount_minor"] else None)
    if not told["amount_minor"]:
        assert opened.answer["discount"] == told["discount"]
        assert opened.answer["available"] == told["available"]


@settings(max_examples=30)
@given(
    state=states,
    on=st.booleans(),
    spare=st.sampled_from([-1, 0, 10**10]),
    under_way=st.booleans(),
)
def test_a_preview_of_the_switch_is_the_act_s_answer_and_names_the_next_purchase(
    engine, state, on, spare, under_way
):
    buyer = lived(engine, state, auto_on=False)
    auto = buyer.plan.auto if buyer.plan.paid else None
    if auto is not None:
        bound(engine, buyer, spare, under_way=under_way)
    told = quote_switch(engine, buyer.subscription_id, buyer.at, on=on)

    acts = PurchaseActivities(context(engine))
    done = acts.set_auto_purchase(Switch(buyer, on))
    assert told.get("reason", "done") == done
    if done == "done" and on:
        reserved = acts.reserve(buyer, "real", SHORT)
        assert told["next"].get("reason", "reserved") == reserved.status
        if reserved.status == "reserved":
            assert told["next"]["amount_minor"] == reserved.charge.amount_minor


def bound(engine, buyer, spare, *, under_way):
    """Let the cap leave a unit and what is spare of it, and perhaps a purchase be under way."""
    with engine.begin() as connection:
        set_policy(connection, buyer, auto_cap=max(buyer.plan.auto.unit_micro + spare, 0))
        if under_way:
            charges.reserve_auto_purchase(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                charge_id="before",
                needed_micro=SHORT,
                at=NOON,
                confirmed=True,
            )


@settings(max_examples=20)
@given(state=states, wanted=st.sampled_from(["core_10k", "core_40k", "core_80k", "free"]))
def test_a_preview_of_a_plan_is_refused_as_its_charge_would_be(engine, state, wanted):
    state = state | {"plan": ("make", state["plan"][1] if state["plan"][0] == "make" else "free")}
    state["at"] = NOON
    buyer = lived(engine, state)
    changes = ChangeActivities(context(engine))
    asked = PlanRequest(buyer, wanted, START, "UTC")
    told = changes.quote(replace(asked, preview=True))

    assert changes.quote(asked) == replace(told, refused="", needs="")
    if told.quote.kind is not ChangeKind.UPGRADE or not told.quote.amount_minor:
        assert (told.refused, told.needs) == ("", "")
        return
    upgrade = Upgrade(buyer, told.plan, told.quote, "change-1", START, "UTC")
    opened = changes.open_upgrade(upgrade)
    assert (told.refused or "opened") == opened.status
    assert (told.needs or None) == needs_of(state)
