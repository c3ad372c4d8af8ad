"""Wallets, grants and events with usual values: a test names only what it is about."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, insert, update

from domain.burn import TieBreak, tie_keys
from domain.credits import MICRO, parse_credits
from domain.payments.charges import ChargeKind
from domain.pricing.catalog import Plan
from domain.usage import DebitOutcome, PricedEvent, UsageEvent
from ledger import accounts, balances, grants
from ledger.accounts import CustomerDetails
from ledger.grants import GrantOrder
from ledger.payments import charges
from ledger.payments.charges import Reservation
from ledger.usage import debits
from ledger.usage.debits import Demand
from models.tables import Policy, Subscription
from tests.price_lists import shipped

START = datetime(2027, 1, 1, tzinfo=UTC)
MONTH_END = datetime(2027, 2, 1, tzinfo=UTC)
NOON = START + timedelta(hours=12)
PERIOD_MINOR = 900  # $9 for 10,000 credits

_numbers = count(1)


def micro(amount: int | str) -> int:
    """Return micro-credits of an amount written as 3 or "0.5"."""
    return parse_credits(str(amount))


@dataclass(frozen=True, slots=True)
class SubscribedWallet:
    """An active wallet and the subscription that it serves."""

    account_id: int
    customer_id: str
    subscription_id: str


def a_wallet(connection: Connection, customer_id: str | None = None) -> SubscribedWallet:
    """A customer with an empty wallet and a pending subscription."""
    name = customer_id or f"customer-{next(_numbers)}"
    details = CustomerDetails(
        customer_id=name,
        name=name.title(),
        email=f"{name}@example.com",
        locale="en_US",
        time_zone="UTC",
    )
    account = accounts.open_wallet(connection, details, "USD")
    subscription = f"{name}:main"
    connection.execute(
        insert(Subscription).values(
            subscription_id=subscription,
            account_id=account,
            plan={"name": "Core 10,000", "price_minor": 900, "currency": "USD"},
            status="pending",
            anchor=START,
            time_zone="UTC",
            period_k=-1,
            cancel_at_end=False,
            updated_at=START,
        )
    )
    return SubscribedWallet(account, name, subscription)


def a_subscribed_wallet(
    connection: Connection,
    allowance: int | str = 10_000,
    *,
    windows: tuple[tuple[datetime, datetime], ...] = ((START, MONTH_END),),
    amount_minor: int = PERIOD_MINOR,
    customer_id: str | None = None,
    **policy: object,
) -> SubscribedWallet:
    """A wallet that serves January, its allowance paid for; no allowance: nothing was charged."""
    wallet = a_wallet(connection, customer_id)
    at = windows[0][0]
    grants.open_windows(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        windows=windows,
        at=at,
    )
    if allowance:
        shares = _equal_shares(amount_minor, len(windows))
        charge = f"{wallet.subscription_id}:period:0"
        a_paid_charge(connection, wallet, charge, amount_minor, at=at)
        for part, ((start, end), share) in enumerate(zip(windows, shares, strict=True)):
            order = a_grant(
                key=f"{charge}:{part}",
                source="allowance",
                quantity_micro=micro(allowance),
                effective_at=start,
                expires_at=end,
                cost_minor=share,
                charge_id=charge,
                part=part,
            )
            grants.give(connection, wallet.account_id, order, at)
    if policy:
        set_policy(connection, wallet, **policy)
    return wallet


def _equal_shares(total: int, parts: int) -> list[int]:
    return [total * (k + 1) // parts - total * k // parts for k in range(parts)]


def a_paid_charge(
    connection: Connection,
    wallet: SubscribedWallet,
    charge_id: str,
    amount_minor: int,
    *,
    kind: ChargeKind = ChargeKind.PERIOD,
    quantity_micro: int | None = None,
    currency: str = "USD",
    at: datetime = START,
) -> str:
    """Open a charge and book its money."""
    status = charges.open_charge(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge_id,
        kind=kind,
        currency=currency,
        amount_minor=amount_minor,
        quantity_micro=quantity_micro,
        at=at,
    )
    assert status == "opened", status
    charges.mark_paid(
        connection,
        account_id=wallet.account_id,
        charge_id=charge_id,
        invoice=f"in_{charge_id}",
        amount_minor=amount_minor,
        at=at,
    )
    return charge_id


def shipped_plan(catalog: str, plan_id: str) -> Plan:
    """A plan of a price list that is shipped."""
    return shipped()[catalog].plan(plan_id)


def set_policy(connection: Connection, wallet: SubscribedWallet, **values: object) -> None:
    """Write what the lock knows of the plan."""
    connection.execute(
        update(Policy).where(Policy.account_id == wallet.account_id).values(**values)
    )


def auto_purchase_on(cap: int = 10_000, **policy: object) -> dict[str, object]:
    """Make's terms on the $9 plan: units of 10,000 at 0.0009 and 30 % more."""
    return {
        "auto_on": True,
        "card_usable": True,
        "auto_credit_type": "credits",
        "auto_unit": micro(10_000),
        "auto_cap": micro(cap),
        "auto_price_num": 9,
        "auto_price_den": 100 * MICRO,
        "auto_surcharge_num": 30,
        "auto_surcharge_den": 100,
        **policy,
    }


def a_grant(**facts: Any) -> GrantOrder:
    """A free bonus of ten credits until the month's end."""
    usual = GrantOrder(
        key=f"bonus-{next(_numbers)}",
        source="bonus",
        credit_type="credits",
        quantity_micro=micro(10),
        priority=20,
        effective_at=START,
        expires_at=MONTH_END,
        ties=(0, 0),
        currency="USD",
    )
    order = replace(usual, **facts)
    ties = tie_keys(
        TieBreak.CHEAPEST_FIRST, order.cost_minor, order.quantity_micro, order.effective_at
    )
    return order if "ties" in facts else replace(order, ties=ties)


def an_event(
    account_id: int,
    amount: int | str = 1,
    *,
    key: str | None = None,
    action: str = "operation",
    credit_type: str = "credits",
    quantity_micro: int | None = None,
    event_at: datetime = NOON,
    tags: tuple[tuple[str, str], ...] = (),
) -> Demand:
    """One event that costs `amount` credits; its quantity is the same number."""
    cost = micro(amount)
    event = UsageEvent(
        key=key or f"event-{next(_numbers)}",
        action=action,
        quantity_micro=quantity_micro if quantity_micro is not None else max(cost, 1),
        event_at=event_at,
        tags=tags,
    )
    return Demand(account_id, PricedEvent(event, credit_type, cost))


def use(
    connection: Connection,
    wallet: SubscribedWallet,
    amount: int | str = 1,
    *,
    at: datetime = NOON,
    key: str | None = None,
    event_at: datetime | None = None,
) -> DebitOutcome:
    """Debit one event at an instant."""
    demand = an_event(wallet.account_id, amount, key=key, event_at=event_at or at)
    return debits.debit(connection, [demand], at)[0]


def reserve_auto(
    connection: Connection,
    wallet: SubscribedWallet,
    charge_id: str = "auto-1",
    needed: int = 1,
    at: datetime = NOON,
) -> Reservation:
    """Reserve the auto-purchase that an event of `needed` credits waits for."""
    return charges.reserve_auto_purchase(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge_id,
        needed_micro=micro(needed),
        at=at,
    )


def pay_auto(
    connection: Connection,
    wallet: SubscribedWallet,
    reserved: Reservation,
    at: datetime = NOON,
    until: datetime = MONTH_END,
) -> int:
    """Book the money of a reserved purchase and grant it."""
    charge_id = str(reserved.charge_id)
    amount = reserved.amount_minor
    charges.mark_paid(
        connection,
        account_id=wallet.account_id,
        charge_id=charge_id,
        invoice=f"in_{charge_id}",
        amount_minor=amount,
        at=at,
    )
    order = a_grant(
        key=f"{charge_id}:grant",
        source="auto_purchase",
        quantity_micro=reserved.quantity_micro,
        priority=30,
        effective_at=at,
        expires_at=until,
        cost_minor=amount,
        charge_id=charge_id,
        part=0,
    )
    return grants.give(connection, wallet.account_id, order, at)


def bought(
    connection: Connection,
    wallet: SubscribedWallet,
    charge_id: str = "auto-1",
    needed: int = 1,
    at: datetime = NOON,
    until: datetime = MONTH_END,
) -> Reservation:
    """Reserve, pay and grant one auto-purchase."""
    reserved = reserve_auto(connection, wallet=wallet, charge_id=charge_id, needed=needed, at=at)
    assert reserved.status == "reserved", reserved
    pay_auto(connection, wallet=wallet, reserved=reserved, at=at, until=until)
    return reserved


def left(connection: Connection, wallet: SubscribedWallet, at: datetime = NOON) -> int:
    """Return the micro-credits that a debit may take."""
    return balances.available(connection, wallet.account_id, "credits", at)
