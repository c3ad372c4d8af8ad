"""Words to tell a customer's story with: each asserts what it says, in the units people use.

Credits are decimal texts (`"2.5"`), money is in the customer's currency (`"11.70"`, `"1924"`),
instants are days of UTC.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from activities.reads.balance import balance, standing
from activities.teams.overview import team
from activities.usage.meter import meter
from domain.credits import format_credits
from ledger import balances
from ledger.reports.registry import ReportRequest, sheet
from ledger.reports.tables import csv_text, money_text
from local.patience import until
from tests.fleet import BEGINS, SECOND, Customer, Json, RunningFleet


def day(text: str) -> datetime:
    """Return an instant of UTC, such as "2027-02-01" or "2027-02-01T10:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dollars(minor: int) -> str:
    """Write cents as people do."""
    return f"{minor // 100}.{minor % 100:02d}"


@dataclass(frozen=True)
class Told:
    """A customer whose story is played; any deviation fails the test."""

    customer: Customer
    currency: str = "USD"

    def written(self, minor: int) -> str:
        """Write minor units as people do."""
        return money_text(minor, self.currency)

    async def uses(
        self,
        action: str,
        quantity: float | str = 1,
        *,
        member: str | None = None,
        refused: str | None = None,
        status: str = "debited",
        at: str | None = None,
        key: str | None = None,
        confirmed: bool = False,
        **tags: str,
    ) -> Json:
        """Perform an action; `refused` is the reason if it must be, `status` another answer."""
        event = await self.customer.event(str(quantity), key, action)
        event |= {"tags": tags | ({"member": member} if member else {})}
        event |= {"event_at": day(at).isoformat()} if at else {}
        answer = await self.ask("consume", **event, **({"confirmed": True} if confirmed else {}))
        assert answer.get("reason") == refused, answer
        assert answer["status"] == ("refused" if refused else status), answer
        return answer

    async def uses_often(self, action: str, quantity: float | str, times: int, **tags: str) -> None:
        """Perform an action many times without waiting for each, as products do in bulk."""
        like = await self.customer.event(str(quantity), None, action) | {"tags": tags}
        numbered = [like | {"key": f"{like['key']}-{number}"} for number in range(times)]
        await self.customer.life.record(numbered)
        refused = (await self.customer.life.settle())["refused"]
        assert refused == 0, self.customer.refusals()

    async def ask(self, message: str, /, **fields: Any) -> Json:
        """Send any message of the contract and return its answer."""
        return await self.customer.life.ask(message, fields)

    async def buys(self, credits_wanted: float, cost: str, key: str | None = None) -> Json:
        """Buy credits by hand at a price."""
        return self._bought(await self.customer.buy(str(credits_wanted), key), cost)

    async def buys_pack(self, pack: str, cost: str, count: int = 1, key: str | None = None) -> Json:
        """Buy packs at a price."""
        name = key or (await self.customer.event("1"))["key"]
        return self._bought(await self.ask("buy_pack", key=name, pack=pack, count=count), cost)

    def _bought(self, answer: Json, cost: str) -> Json:
        assert (answer["status"], self.written(answer["amount_minor"])) == ("paid", cost), answer
        return answer

    async def is_told_no(self, reason: str, message: str, /, **fields: Any) -> Json:
        """Send a message that must be refused for a reason."""
        answer = await self.ask(message, **fields)
        assert (answer["status"], answer["reason"]) == ("refused", reason), answer
        return answer

    async def has(self, amount: str, of: str = "credits") -> None:
        """Assert the available credits of a type."""
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            found = balances.available(connection, self.customer.account_id, of, now)
        assert format_credits(found) == amount

    async def lives_until(self, text: str) -> Json:
        """Let time pass until a second after an instant; return the status."""
        return await self.customer.pass_until(day(text) + SECOND)

    async def is_now(self, status: str) -> Json:
        """Assert where the subscription stands, everything due being done."""
        found = await self.customer.life.settle()
        assert found["status"] == status, found
        return found

    def has_paid(self, *amounts: str) -> None:
        """Assert every amount that the payment processor collected, in order."""
        assert [self.written(one) for one in self.customer.paid()] == list(amounts)

    async def finds_mail(self, words: str, to: str | None = None) -> Json:
        """Wait for a mail whose subject has these words in the mailbox; return it."""
        address = to or f"{self.customer.name}@example.com"

        async def look() -> list[Json]:
            return await asyncio.to_thread(self.customer.fleet.mail_catcher.mails, address)

        def about(mails: list[Json]) -> list[Json]:
            return [mail for mail in mails if words in mail["subject"]]

        found = await until(look, lambda mails: bool(about(mails)), f"a mail about {words!r}")
        return about(found)[0]

    async def finds_notices(self, count: int) -> list[Json]:
        """Wait for notices inside the product; return them, the newest first."""

        async def look() -> list[Json]:
            return list((await self.ask("list_notices"))["notices"])

        found = await until(look, lambda seen: len(seen) >= count, f"{count} notices")
        assert len(found) == count, found
        return found

    async def sees_team(self, member: str | None = None) -> Json:
        """Return what a team, or one member of it, sees of itself."""
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            return team(connection, self.customer.account_id, now, member)

    async def orders_pack(self, pack: str, cost: str, key: str) -> str:
        """Buy a pack with money that takes days; return its invoice."""
        answer = await self.ask("buy_pack", key=key, pack=pack, count=1)
        on_its_way = (answer["status"], self.written(answer["amount_minor"]))
        assert on_its_way == ("processing", cost), answer
        return self.customer.invoice_of("processing")

    async def hears_of(self, invoice: str, times: int = 1) -> None:
        """Let the processor report an invoice as often as it likes."""
        for _ in range(times):
            await self.customer.life.signal("invoice_paid", {"invoice": invoice})
        await self.customer.life.settle()

    async def sees_on_its_way(self, *amounts: str) -> None:
        """Assert the money on its way, as the balance says it."""
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            found = standing(connection, self.customer.account_id, now)
        told = balance(self.customer.name, found)["on_its_way"]
        assert [self.written(one["amount_minor"]) for one in told] == list(amounts)

    async def owes(self, amount: str, of: str = "credits") -> None:
        """Assert the credits that were used and not paid for after all."""
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            found = standing(connection, self.customer.account_id, now)
        assert format_credits(found.owed.get(of, 0)) == amount

    async def sees_meter(self) -> Json:
        """Return the live meter."""
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            return meter(connection, self.customer.account_id, now)

    async def sees_report(self, name: str, **wanted: Any) -> list[dict[str, str]]:
        """Return a report of this customer, a mapping for each row."""
        found = await self._sheet(name, **wanted)
        headings = [column.name for column in found.columns]
        return [dict(zip(headings, row, strict=True)) for row in found.rows]

    async def exports(self, name: str, **wanted: Any) -> str:
        """Return a report of this customer as CSV."""
        return csv_text(await self._sheet(name, **wanted))

    async def _sheet(self, name: str, **wanted: Any) -> Any:
        now = await self.customer.life.now()
        with self.customer.fleet.engine.connect() as connection:
            return sheet(connection, ReportRequest(name, self.customer.name, **wanted), now)

    def ends_well(self) -> None:
        """Assert that no law is broken and the processor's money is the ledger's."""
        self.customer.check()


async def subscribed(
    fleet: RunningFleet,
    catalog: str,
    plan: str,
    begins: str | None = None,
    *,
    currency: str = "USD",
    **more: Any,
) -> Told:
    """Subscribe a customer and let the first period begin; `more` as `RunningFleet.subscribe`."""
    instant = day(begins) if begins else BEGINS
    begun = await fleet.subscribe(plan, catalog=catalog, begins=instant, currency=currency, **more)
    return Told(begun, currency)
