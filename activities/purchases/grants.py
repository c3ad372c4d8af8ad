"""What a paid purchase grants: its credits, and the free ones that come with them."""

from dataclasses import replace
from datetime import datetime

from activities.purchases.buyers import Buyer
from domain.burn import tie_keys
from domain.payments.charges import ChargeKind
from domain.pricing.catalog import Extras
from domain.pricing.purchase_price import companion_micro
from ledger.grants import GrantOrder
from ledger.payments.charges import ChargeRecord


def extra_orders(buyer: Buyer, record: ChargeRecord, *, frozen: bool) -> list[GrantOrder]:
    """Return the grants of a purchase, each named (charge, part); part 0 is the bought credits.

    Credits paid for just as the subscription ended had no window to be used in: they stay, frozen.
    """
    bought = _bought(buyer, record, frozen=frozen)
    companions = [
        replace(
            bought,
            key=f"{record.charge_id}:grant:{part}",
            credit_type=companion.credit_type,
            quantity_micro=companion_micro(companion, bought.quantity_micro),
            cost_minor=0,
            part=part,
            scope=None,
        )
        for part, companion in enumerate(buyer.plan.companions, start=1)
    ]
    tie_break = buyer.plan.tie_break
    return [bought] + [
        replace(one, ties=tie_keys(tie_break, 0, one.quantity_micro, one.effective_at))
        for one in companions
        if one.quantity_micro > 0
    ]


def _bought(buyer: Buyer, record: ChargeRecord, *, frozen: bool) -> GrantOrder:
    plan = buyer.plan
    quantity = record.quantity_micro or 0
    effective_at = max(record.window_start or buyer.window.start, buyer.at)
    credit_type, expires, scope = _terms(buyer, record)
    return GrantOrder(
        key=f"{record.charge_id}:grant",
        source=record.kind.value,
        credit_type=credit_type,
        quantity_micro=quantity,
        priority=plan.priorities.pack,
        effective_at=effective_at,
        expires_at=None if frozen else ends_of(buyer, record.window_end)[expires],
        ties=tie_keys(plan.tie_break, record.amount_minor, quantity, effective_at),
        currency=record.currency,
        cost_minor=record.amount_minor,
        charge_id=record.charge_id,
        part=0,
        scope=scope,
    )


def ends_of(buyer: Buyer, window_end: datetime | None = None) -> dict[Extras, datetime | None]:
    """Return the expiry instant of each kind of extras now; None is never."""
    return {
        Extras.WINDOW_END: window_end or buyer.window.end,
        Extras.PERIOD_END: buyer.period.end,
        Extras.NEVER: None,
    }


def _terms(buyer: Buyer, record: ChargeRecord) -> tuple[str, Extras, tuple[str, ...] | None]:
    """Return type, expiry and scope: of a pack as sold, otherwise as the plan says."""
    plan, pack = buyer.plan, record.pack
    if pack is not None:
        scope = None if pack["scope"] is None else tuple(pack["scope"])
        return str(pack["credit_type"]), Extras(pack["expires"]), scope
    if record.kind is ChargeKind.AUTO:
        return plan.auto.credit_type if plan.auto else plan.credit_type, plan.extras_expire, None
    if plan.manual is None:
        return plan.credit_type, plan.extras_expire, None
    return plan.manual.credit_type, plan.extras_expire, plan.manual.scope
