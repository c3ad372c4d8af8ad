"""An upgrade's preview equals its charge and grants, whatever the clocks."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from activities.plans.upgrades import PlanRequest, Upgrade, quoted_change, upgrade_orders
from activities.purchases.buyers import Buyer
from domain.payments.charges import Paid
from domain.plan_calendar import first_anchor, period_at, window_at
from domain.pricing.policies import AnchorRule
from domain.pricing.proration import ChangeKind
from tests.domain.test_clocks import CORE, MAKE, MONTHLY, billed, instants, zones

places = st.integers(0, 999)


def bought_by(plan, anchor, zone, period, at):
    window = window_at(plan=plan, anchor=anchor, zone=zone, period=period, at=at).part
    return Buyer(
        subscription_id="s",
        customer_id="c",
        account_id=1,
        payer="cus",
        plan=plan,
        period=period,
        window=window,
        at=at,
    )


@given(st.sampled_from(MONTHLY), st.sampled_from(list(AnchorRule)), zones, instants, places)
def test_an_upgrade_charges_and_grants_what_its_preview_says(clocks, rule, zone, begins, place):
    old = billed(clocks, rule)
    new = replace(
        old,
        plan_id="larger",
        price_minor=old.price_minor * 8,
        allowances=tuple(
            replace(one, quantity_micro=one.quantity_micro * 8) for one in old.allowances
        ),
    )
    catalog = replace(MAKE, plans=(CORE, new))
    anchor = first_anchor(old, begins, zone)
    period = period_at(plan=old, anchor=anchor, zone=zone, at=begins, since=begins)
    at = period.start + (period.end - period.start) * place // 1000
    buyer = bought_by(plan=old, anchor=anchor, zone=zone, period=period, at=at)

    quote = quoted_change(catalog, PlanRequest(buyer, "larger", anchor, zone)).quote
    paid = (
        Paid(
            kind="paid",
            invoice="in_1",
            amount_minor=quote.amount_minor,
            card="",
            invoice_number="",
            invoice_url="",
        )
        if quote.amount_minor
        else None
    )
    orders = upgrade_orders(
        Upgrade(
            buyer=buyer,
            plan=new,
            quote=quote,
            charge_id="s:upgrade:1",
            anchor=anchor,
            time_zone=zone,
            paid=paid,
        ),
        quote.amount_minor,
    )

    assert quote.kind is ChangeKind.UPGRADE
    assert sum(one.cost_minor for one in orders) == quote.amount_minor
    now = sum(one.quantity_micro for one in orders if one.effective_at <= at)
    assert now == sum(extra.quantity_micro for extra in quote.extra)
    assert all(one.expires_at > at for one in orders)
