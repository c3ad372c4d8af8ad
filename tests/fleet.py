"""A whole fleet in the test's own process: real workers on the real servers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from domain.subscription import Start
from ledger import accounts, balances
from local.mail_catcher.process import MailCatcher
from local.stripe_standin.process import StandIn
from local.timeline import Timeline

BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_numbers = count(1)

Json = dict[str, Any]


@dataclass(frozen=True)
class Customer:
    """A subscription in virtual time and everything a test asks about it."""

    fleet: "RunningFleet"
    name: str
    life: Timeline

    @property
    def account_id(self) -> int:
        with self.fleet.engine.connect() as connection:
            return accounts.account_of(connection, self.name)

    async def use(self, quantity: str, key: str | None = None, action: str = "operation") -> Json:
        """Debit one event and wait for the outcome."""
        return await self.life.ask("consume", await self.event(quantity, key, action))

    async def event(self, quantity: str, key: str | None = None, action: str = "operation") -> Json:
        """Return the JSON of an event that happens now."""
        at = await self.life.now()
        return {
            "key": key or f"event-{next(_numbers)}",
            "action": action,
            "quantity": quantity,
            "event_at": at.isoformat(),
        }

    async def report(self, quantities: Iterable[str]) -> Json:
        """Report usage and wait until it is decided; return the status."""
        await self.life.record([await self.event(quantity) for quantity in quantities])
        return await self.life.settle()

    async def pass_until(self, until: datetime) -> Json:
        """Let time pass."""
        return await self.life.advance(until)

    def processor(self) -> Json:
        """Return what the processor has of this customer."""
        customers = self.fleet.standin.get("/_ledger")["customers"].values()
        return next(one for one in customers if one["customer_id"] == self.name)

    def paid(self) -> list[int]:
        """Return the amounts that the processor collected, in order."""
        return [invoice["amount_minor"] for invoice in self.processor()["paid"]]

    def attempts(self) -> int:
        """Return how often the processor was asked to pay."""
        return int(self.processor()["attempts"])

    def books(self) -> dict[str, int]:
        """Return the balance of each book."""
        with self.fleet.engine.connect() as connection:
            return balances.books(connection, self.account_id)

    def history(self) -> tuple[balances.HistoryLine, ...]:
        """Return the journal."""
        with self.fleet.engine.connect() as connection:
            return balances.history(connection, self.account_id)

    def mails(self) -> list[str]:
        """Return the kinds of mail that were caused, in order."""
        return [
            row[0]
            for row in self.rows(
                "SELECT payload -> 'mail' ->> 'kind' FROM outbox WHERE account_id = %s"
                " AND lane = 'mail' ORDER BY recorded_at"
            )
        ]

    def refusals(self) -> list[tuple[str | None, str]]:
        """Return key and reason of every refusal that was kept."""
        return [
            (row[0], row[1])
            for row in self.rows(
                "SELECT key, reason FROM refusals WHERE account_id = %s ORDER BY at, refusal_id"
            )
        ]

    def rows(self, query: str) -> list[Any]:
        """Ask the database something about the account."""
        with self.fleet.engine.connect() as connection:
            return list(connection.exec_driver_sql(query, (self.account_id,)))

    def check(self) -> None:
        """Assert that no law is broken and that the processor's money is the ledger's."""
        assert self.rows("SELECT * FROM violations WHERE account_id = %s") == []
        assert self.books().get("cash", 0) == sum(self.paid())


@dataclass(frozen=True)
class RunningFleet:
    """Workers for all queues, and the servers they work with."""

    client: Client
    engine: Engine
    standin: StandIn
    mail_catcher: MailCatcher

    async def subscribe(
        self,
        plan: str,
        *,
        begins: datetime = BEGINS,
        card: str | None = "pm_card_visa",
        catalog: str = "make",
        time_zone: str | None = None,
        auto: bool = False,
    ) -> Customer:
        """Start a subscription in virtual time and let its first period begin."""
        number = next(_numbers)
        start = Start(
            subscription_id=f"sub-{number}",
            customer_id=f"customer-{number}",
            name="Ada Example",
            email=f"ada-{number}@example.com",
            catalog=catalog,
            plan_id=plan,
            time_zone=time_zone,
            payment_method=card,
            begins_at=begins,
        )
        life = await Timeline.start(self.client, start)
        await life.advance(begins + SECOND)
        customer = Customer(self, start.customer_id, life)
        if auto:
            answer = await life.ask("set_auto_purchase", {"on": True})
            assert answer["status"] == "done", answer
        return customer
