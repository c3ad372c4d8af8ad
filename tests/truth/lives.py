"""Lives in random order: whatever happens to a customer, and every mail it causes read at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid5

from domain.mails.envelope import NAMESPACE
from local.patience import until
from tests.fleet import SECOND, Customer, Json, RunningFleet
from tests.truth.books import Books
from tests.truth.checkers import check
from tests.truth.reading import Read
from tests.workflows.test_approvals import request_of
from tests.workflows.test_money_that_went_back import decide, dispute, hear

Step = Callable[["Life"], Awaitable[Any]]
DAY = timedelta(days=1)
FAR = datetime(9999, 1, 1, tzinfo=UTC)
MESSAGES = """
SELECT * FROM outbox WHERE account_id = :account AND topic IN ('mail', 'alert')
ORDER BY recorded_at, message_key
"""


@dataclass
class Life:
    """A customer, the luck of its life, and the mails that were read."""

    customer: Customer
    luck: Random
    action: str
    seen: set[str] = field(default_factory=set)
    kinds: list[str] = field(default_factory=list)

    async def live(self, *steps: Step) -> None:
        """Do each step and read the mails that it caused against the ledger."""
        await self.read_mails("begin")
        for step in steps:
            await step(self)
            await self.customer.life.settle()
            await self.read_mails(step.__name__)
        self.customer.check()

    async def ask(self, name: str, /, **message: Any) -> Json:
        return await self.customer.life.ask(name, message)

    async def read_mails(self, step: str) -> None:
        """Check new mails in the catcher, each against the ledger as of its transaction."""
        rows = await self._sent()
        now = await self.customer.life.now()
        caught = {one["message_id"]: one for one in self.customer.fleet.mail_catcher.mails()}
        for row in rows:
            if row.message_key in self.seen:
                continue
            self.seen.add(row.message_key)
            mail = row.payload["mail"]
            read = Read.of(caught[_message_id(row.payload)], mail["kind"], row.message_key)
            self.kinds.append(read.kind)
            try:
                check(Books(self.customer, row.recorded_at, now), read, mail)
            except AssertionError as error:
                raise AssertionError(f"after {step}: {error}") from error

    async def _sent(self) -> list[Any]:
        """Wait until all alerts are sent."""
        books = Books(self.customer, FAR, FAR)

        async def rows() -> list[Any]:
            return books.all(MESSAGES)

        found = await until(
            rows, lambda seen: all(one.delivered_at for one in seen), "every mail to be sent"
        )
        return [row for row in found if row.topic == "mail"]


def _message_id(envelope: Json) -> str:
    return f"<{uuid5(NAMESPACE, envelope['message_key'])}@drawdown.test>"


async def use_some(life: Life) -> None:
    await life.customer.use(str(life.luck.randint(1, 40)), action=life.action)


async def use_all(life: Life) -> None:
    left = float((await life.customer.life.status())["available"])
    while left >= 1:
        part = min(left, 5_000 if life.action == "operation" else 50)
        await life.customer.use(str(int(part)), action=life.action)
        left -= int(part)


async def use_beyond(life: Life) -> None:
    await use_all(life)
    await life.customer.use("7", action=life.action)


async def use_to_the_cap(life: Life) -> None:
    for _ in range(8):
        await use_beyond(life)


async def buy(life: Life) -> None:
    assert (await life.customer.buy(f"{life.luck.randint(1, 5)}000"))["status"] == "paid"


async def buy_pack(life: Life) -> None:
    answer = await life.ask("buy_pack", key=f"pack-{life.luck.random()}", pack="pack_500")
    assert answer["status"] == "paid", answer


async def auto_on(life: Life) -> None:
    await life.customer.switch(on=True)


async def auto_off(life: Life) -> None:
    await life.customer.switch(on=False)


async def pause_and_resume(life: Life) -> None:
    await life.ask("pause", reason="fraud check", by="ann")
    await life.read_mails("a pause")
    await life.ask("resume", reason="all clear", by="ann")


async def good_card(life: Life) -> None:
    await life.customer.update_card()


async def bad_card(life: Life) -> None:
    await life.customer.update_card("tok_chargeCustomerFail")


async def decline_a_purchase(life: Life) -> None:
    answer = await life.customer.buy("1000")
    assert answer["status"] == "declined", answer


async def a_fault_of_ours(life: Life) -> None:
    life.customer.balance(-20_000)
    answer = await life.customer.buy("1000")
    assert answer["reason"] == "processor_refused", answer
    life.customer.balance(20_000)


async def money_on_its_way(life: Life) -> None:
    life.customer.fault("later")
    assert (await life.customer.buy("1000"))["status"] == "processing"
    await life.read_mails("money on its way")
    invoice = life.customer.invoice_of("processing")
    life.customer.settle_later(invoice)
    await life.customer.life.signal("invoice_paid", {"invoice": invoice})


async def a_part_of_the_invoice(life: Life) -> None:
    invoice = life.customer.invoice_of("processing")
    life.customer.transfers(invoice, life.luck.randint(1, 3000) * 100)
    await life.customer.life.signal("invoice_paid", {"invoice": invoice})


async def the_rest_of_the_invoice(life: Life) -> None:
    (invoice,) = life.customer.open_invoices()
    remaining = life.customer.ask_processor(f"invoices/{invoice}")["amount_remaining"]
    life.customer.transfers(invoice, remaining)
    await life.customer.life.signal("invoice_paid", {"invoice": invoice})


async def a_week_before_its_day(life: Life) -> None:
    await life.customer.pass_until(await _day_of_the_invoice(life) - 6 * DAY)


async def after_its_day(life: Life) -> None:
    await life.customer.pass_until(await _day_of_the_invoice(life) + SECOND)


async def after_its_grace(life: Life) -> None:
    await life.customer.pass_until(await _day_of_the_invoice(life) + 15 * DAY)


async def _day_of_the_invoice(life: Life) -> datetime:
    (invoice,) = life.customer.open_invoices()
    due = life.customer.ask_processor(f"invoices/{invoice}")["due_date"]
    return datetime.fromtimestamp(due, UTC)


async def upgrade(life: Life) -> None:
    answer = await life.customer.change_plan("core_40k")
    assert answer["status"] == "changed", answer


async def downgrade(life: Life) -> None:
    answer = await life.customer.change_plan("core_10k")
    assert answer["status"] == "scheduled", answer


async def some_days(life: Life) -> None:
    now = await life.customer.life.now()
    await life.customer.pass_until(now + life.luck.randint(1, 3) * DAY)


async def next_period(life: Life) -> None:
    status = await life.customer.life.status()
    await life.customer.pass_until(datetime.fromisoformat(status["period_end"]) + SECOND)


async def wait_out_dunning(life: Life) -> None:
    for _ in range(9):
        if (await life.customer.life.status())["status"] == "ended":
            return
        now = await life.customer.life.now()
        await life.customer.pass_until(now + DAY)
        await life.read_mails("a day of dunning")


async def refund(life: Life) -> None:
    charge = _a_purchase(life)
    answer = await life.ask("refund", key=f"r-{life.luck.random()}", charge_id=charge,
                            amount_minor="all", reason="by mistake", by="ann")  # fmt: skip
    assert answer["status"] == "refunded", answer


async def lose_a_dispute(life: Life) -> None:
    named = dispute(life.customer, _a_purchase(life))
    await hear(life.customer, "charge.dispute.created", named)
    await life.read_mails("a dispute opens")
    decide(life.customer, named, life.luck.choice(("won", "lost")))
    await hear(life.customer, "charge.dispute.closed", named)


async def mail_invoice(life: Life) -> None:
    listed = await life.ask("list_invoices")
    first = listed["invoices"][-1]["invoice"]
    answer = await life.ask("mail_invoice", key="copy", invoice=first)
    assert answer["status"] == "done", answer


async def ask_admins(life: Life) -> None:
    for member, role in (("ada", "member"), ("grace", "admin")):
        email = f"{member}@{life.customer.name}.example"
        await life.ask("set_member", member=member, name=member.title(), role=role, email=email)
    event = await life.customer.event("80", "job", life.action)
    await life.customer.life.ask("request_approval", event | {"member": "ada"})
    await life.read_mails("ada asks")
    await request_of(life.customer).approve()
    await life.read_mails("grace approves")
    await life.ask("release", key="job")


async def give_bonus(life: Life) -> None:
    await life.ask("give_bonus", bonus="feedback", invitee=f"user-{life.luck.random()}")


async def week_before_the_end(life: Life) -> None:
    ends = datetime.fromisoformat((await life.customer.life.status())["period_end"])
    await life.customer.pass_until(ends - 7 * DAY + SECOND)


async def cancel(life: Life) -> None:
    await life.customer.cancel()


async def uncancel(life: Life) -> None:
    await life.ask("uncancel")


async def cancel_now(life: Life) -> None:
    await life.customer.cancel("now")


def _a_purchase(life: Life) -> str:
    rows = life.customer.rows(
        "SELECT charge_id FROM charges WHERE account_id = %s AND state = 'paid'"
        " AND kind IN ('manual_purchase', 'pack')"
        " AND charge_id NOT IN (SELECT charge_id FROM disputes)"
        " AND charge_id NOT IN (SELECT charge_id FROM refunds) ORDER BY settled_at DESC"
    )
    return str(rows[0][0])


async def begin(fleet: RunningFleet, luck: Random, plan: str, catalog: str, action: str) -> Life:
    """Start a life."""
    return Life(await fleet.subscribe(plan, catalog=catalog), luck, action)
