"""What a customer does after a refusal: agree to pay, or buy the missing credits."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from activities.notifications.alerts import pace_of
from domain.credits import format_credits
from domain.pricing.catalog import Pack
from domain.pricing.discounts import CouponFor
from domain.pricing.event_price import price
from domain.usage import UsageEvent
from ledger import balances
from local.simulator.bank import Bank
from local.simulator.sides import Side
from local.timeline import Json, Timeline

HAIR = timedelta(seconds=1)
SHORT = "insufficient_credits"
ASKED = "confirmation_required"

_REFUSED = text("""
    SELECT refusal_id, key, reason FROM refusals WHERE account_id = :account AND at > :since
    ORDER BY at, refusal_id
""")


class Customer:
    """Agrees and buys as its side says, under the `plan` in force.

    `asked` counts events that needed confirmation.
    """

    def __init__(
        self, engine: Engine, life: Timeline, side: Side, account_id: int, bank: Bank | None = None
    ) -> None:
        self.asked = 0
        self.plan = side.plan
        self._bank = bank  # None: what is bought is paid at once
        self._engine, self._life, self._side, self._account = engine, life, side, account_id
        self._seen: set[str] = set()
        self._agreed: set[str] = set()
        self._purchases = 0

    async def again(self, events: Sequence[UsageEvent], since: datetime) -> list[UsageEvent]:
        """Return what of a day's events is worth sending again, after agreeing and buying."""
        refused = await asyncio.to_thread(self._newly_refused, since)
        asked = {key for key, reason in refused.items() if reason == ASKED and self._side.confirm}
        self.asked += len(asked - self._agreed)
        self._agreed |= asked
        short = [event for event in events if refused.get(event.key) == SHORT]
        bought = self._side.top_up and bool(short) and await self._buy(short)
        wanted = asked | ({event.key for event in short} if bought else set())
        return [event for event in events if event.key in wanted]

    def agrees_to(self, event: UsageEvent) -> bool:
        """Return whether the customer has agreed to pay for an event."""
        return event.key in self._agreed

    def _newly_refused(self, since: datetime) -> dict[str, str]:
        with self._engine.connect() as connection:
            values = {"account": self._account, "since": since - HAIR}
            rows = connection.execute(_REFUSED, values).all()
        new = {row.key: row.reason for row in rows if row.refusal_id not in self._seen}
        self._seen = {row.refusal_id for row in rows}
        return new

    async def _buy(self, short: Sequence[UsageEvent]) -> bool:
        """Buy what events need, in whole units by hand or in packs; return whether it was paid."""
        if self._bank is not None and await asyncio.to_thread(self._bank.is_asked):
            return False  # it is bought already, and not paid yet
        now, status = await self._life.now(), await self._life.status()
        priced = [price(self._side.catalog, self.plan, event, now) for event in short]
        credit_type = priced[0].credit_type
        needed = sum(one.amount_micro for one in priced if one.credit_type == credit_type)
        manual = self.plan.manual
        self._purchases += 1
        key = f"top-up-{self._purchases}"
        if manual is not None and manual.credit_type == credit_type:
            needed -= await asyncio.to_thread(self._available, credit_type, now)
            units = max(-(-needed // manual.unit_micro), 1)
            wanted = {"key": key, "credits": format_credits(units * manual.unit_micro)}
            return await self._paid("buy_credits", wanted, CouponFor.MANUAL)
        end = datetime.fromisoformat(status["window_end"])
        pack, missing = await asyncio.to_thread(self._pack, credit_type, needed, now, end)
        if pack is None:
            return False
        count = max(-(-missing // pack.quantity_micro), 1)
        packs = {"key": key, "pack": pack.pack_id, "count": count}
        return await self._paid("buy_pack", packs, CouponFor.PACKS)

    async def _paid(self, name: str, wanted: Json, sold: CouponFor) -> bool:
        """Buy, with the coupon while it may be had; return whether it was paid."""
        coupon = self._side.coupon_for(sold)
        answer = await self._life.ask(name, wanted | ({"coupon": coupon} if coupon else {}))
        if coupon and answer["status"] == "refused":  # as often as it may be, or too late
            answer = await self._life.ask(name, wanted)
        await self._life.settle()
        return bool(answer["status"] in ("paid", "pending"))

    def _available(self, credit_type: str, at: datetime) -> int:
        with self._engine.connect() as connection:
            return balances.available(connection, self._account, credit_type, at)

    def _pack(
        self, credit_type: str, needed: int, at: datetime, window_end: datetime
    ) -> tuple[Pack | None, int]:
        """Return the pack that the low-balance notice suggests, and the credits missing now."""
        plan = self.plan
        packs = [pack for pack in plan.packs if pack.credit_type == credit_type]
        with self._engine.connect() as connection:
            free = balances.available(connection, self._account, credit_type, at)
            pace = pace_of(
                connection,
                account_id=self._account,
                plan=plan,
                credit_type=credit_type,
                available_micro=free,
                at=at,
                window_end=window_end,
            )
        usual = min(packs, key=lambda pack: pack.quantity_micro, default=None)
        return pace.forecast.suggested or usual, needed - free
