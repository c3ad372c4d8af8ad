"""A whole fleet in the test's own process: real workers on the real servers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from domain.credits import parse_quantity
from domain.subscription import Start
from domain.usage import DebitOutcome, PricedEvent, UsageEvent
from ledger import accounts, balances
from ledger.payments import findings
from ledger.usage import debits
from local.mail_catcher.process import MailCatcher
from local.patience import until
from local.stripe_standin.process import StandIn
from local.timeline import HAIR, Timeline, without_time
from tests.payer import Payer

BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_numbers = count(1)

Json = dict[str, Any]


async def result_of(handle: WorkflowHandle[Any, Any]) -> Any:
    """Wait for what a workflow returns, as long as its history grows."""

    async def look() -> tuple[bool, int]:
        described = await handle.describe()
        running = described.status is WorkflowExecutionStatus.RUNNING
        return running, described.history_length

    await until(look, lambda seen: not seen[0], f"the end of {handle.id}")
    return await handle.result()


@dataclass(frozen=True)
class Customer(Payer):
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

    async def report(self, quantities: Iterable[str], action: str = "operation") -> Json:
        """Report usage and wait until it is decided; return the status."""
        like = await self.event("1", action=action)
        events = [
            like | {"key": f"event-{next(_numbers)}", "quantity": quantity}
            for quantity in quantities
        ]
        await self.life.record(events)
        return await self.life.settle()

    async def pass_until(self, until: datetime) -> Json:
        """Let time pass."""
        return await self.life.advance(until)

    async def reached(self, step: str) -> None:
        """Wait until a charge is at a step (domain/subscription.py)."""

        def there(status: Json) -> bool:
            return any(one["step"] == step for one in status["open_charges"])

        what = f"a charge of {self.name} that is {step}"
        await until(self.life.status, there, what, sign=without_time)

    async def is_told(self, status: str) -> None:
        """Wait until the subscription has a status."""
        what = f"{self.name} to be {status}"
        await until(
            self.life.status, lambda seen: seen["status"] == status, what, sign=without_time
        )

    async def outcome(self) -> str:
        """Wait for the subscription's end; return what its workflow returned."""
        return str(await result_of(self.life.handle))

    async def skip_to(self, instant: datetime) -> None:
        """Turn the clock and do not wait for what that makes due."""
        now = await self.life.now()
        await self.life.skip(instant - now + HAIR)

    async def lived_until(self, instant: datetime) -> None:
        """Wait until the clock has come to an instant by itself, beside a request in flight."""
        what = f"{instant} to come for {self.name}"
        await until(self.life.now, lambda now: now >= instant, what, sign=lambda _: None)

    def found(self) -> list[tuple[str, str | None]]:
        """Return kind and charge of every open finding, the oldest first."""
        with self.fleet.engine.connect() as connection:
            mine = findings.open_findings(connection, self.name)
        return [(one.kind.value, one.charge_id) for one in mine]

    async def looked_into(self) -> Json:
        """Settle every finding as an operator does; return the status once it has been heard."""
        at = await self.life.now()
        with self.fleet.engine.begin() as connection:
            for one in findings.open_findings(connection, self.name):
                findings.settle(connection, key=one.key, by="ann", reason="cleared", at=at)

        async def undelivered() -> list[Any]:
            query = "SELECT message_key FROM outbox WHERE account_id = %s AND delivered_at IS NULL"
            return self.rows(f"{query} AND topic = 'finding'")

        await until(undelivered, lambda left: not left, "the subscription to hear of it")
        return await self.life.settle()

    def invoice_of(self, state: str) -> str:
        """Return the invoice of the one charge that is in a state."""
        query = f"SELECT invoice FROM charges WHERE account_id = %s AND state = '{state}'"
        ((invoice,),) = self.rows(query)
        return str(invoice)

    async def cancel(self, when: str = "period_end", *, preview: bool = False) -> Json:
        """End the subscription, or ask what that would leave."""
        return await self.life.ask("cancel", {"when": when, "preview": preview})

    async def migrate(self, version: int, when: str, *, preview: bool = False) -> Json:
        """Move to another version of the plan, as an operator."""
        wanted = {"version": version, "when": when, "preview": preview}
        return await self.life.ask("migrate_plan", wanted)

    def grants(self, source: str) -> list[tuple[datetime, datetime, int, int]]:
        """Return begin, end, whole credits and minor units of each grant of a source."""
        return [
            (row[0], row[1], int(row[2]), int(row[3]))
            for row in self.rows(
                "SELECT effective_at, expires_at, granted / 1000000, cost_minor FROM grants"
                f" WHERE account_id = %s AND source = '{source}' ORDER BY effective_at, grant_id"
            )
        ]

    async def update_card(self, card: str = "tok_mastercard") -> Json:
        """Replace the card and wait until what follows has been done; return the status."""
        await self.life.signal("payment_method_updated", {"payment_method": self.new_card(card)})
        return await self.life.settle()

    async def buy(self, credits_wanted: str, key: str | None = None) -> Json:
        """Buy extra credits by hand."""
        name = key or f"purchase-{next(_numbers)}"
        return await self.life.ask("buy_credits", {"key": name, "credits": credits_wanted})

    async def change_plan(self, plan: str, *, preview: bool = False) -> Json:
        """Change the plan, or ask what the change would do."""
        return await self.life.ask("change_plan", {"plan": plan, "preview": preview})

    async def refused_meanwhile(self, plan: str) -> str:
        """Ask for a plan while a charge is being paid; return the reason of the refusal."""
        await self.reached("paying")
        return str((await self.change_plan(plan))["reason"])

    async def switch(self, *, on: bool) -> Json:
        """Switch auto-purchase."""
        return await self.life.ask("set_auto_purchase", {"on": on})

    async def debit(self, quantity: str, key: str, at: datetime) -> DebitOutcome:
        """Debit past the workflow, as another client of the database does."""
        event = UsageEvent(key, "operation", parse_quantity(quantity), at)
        priced = PricedEvent(event, "credits", event.quantity_micro)
        with self.fleet.engine.begin() as connection:
            return debits.debit(connection, [debits.Demand(self.account_id, priced)], at)[0]

    def charges(self) -> list[tuple[str, str, int]]:
        """Return kind, state and minor units of every charge, in the order they were opened."""
        return [
            (row[0], row[1], row[2])
            for row in self.rows(
                "SELECT kind, state, amount_minor FROM charges WHERE account_id = %s"
                " ORDER BY opened_at, charge_id"
            )
        ]

    def used(self) -> dict[str, int]:
        """Return key and micro-credits of every debit, in the order they were decided."""
        return {
            row[0]: int(row[1])
            for row in self.rows(
                "SELECT min(key), -sum(change) FROM entries WHERE account_id = %s"
                " AND kind = 'debit' GROUP BY seq ORDER BY seq"
            )
        }

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
                " AND topic = 'mail' ORDER BY recorded_at, message_key"
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
    restart: Callable[[], Awaitable[None]] | None = None  # where a test may restart the workers

    async def subscribe(
        self,
        plan: str,
        *,
        begins: datetime = BEGINS,
        currency: str | None = None,
        card: str | None = "pm_card_visa",
        catalog: str = "make",
        time_zone: str | None = None,
        auto: bool = False,
        again: Customer | None = None,
        wait: bool = True,
        coupon: str | None = None,
    ) -> Customer:
        """Start a subscription in virtual time and let its first period begin.

        `again` is a customer who had one before; without `wait` nothing has begun yet.
        """
        number = next(_numbers)
        # Not `customer-`: tests that roll back make customers of that name in the same database.
        name = again.name if again else f"subscriber-{number}"
        start = Start(
            subscription_id=f"sub-{number}",
            customer_id=name,
            name="Ada Example",
            email=f"{name}@example.com",
            catalog=catalog,
            plan_id=plan,
            time_zone=time_zone,
            payment_method=card,
            begins_at=begins,
            currency=currency,
            coupon=coupon,
        )
        customer = Customer(self, name, await Timeline.start(self.client, start))
        if wait:
            await customer.pass_until(begins + SECOND)
        if auto:
            answer = await customer.switch(on=True)
            assert answer["status"] == "done", answer
        return customer

    async def take_up(self, customer: Customer, start: Start, at: datetime) -> Customer:
        """Start a lost subscription again on a new clock, which is turned to where it stood."""
        life = await Timeline.start(self.client, replace(start, begins_at=at))
        again = Customer(self, customer.name, life)
        await again.pass_until(at + HAIR)
        return again
