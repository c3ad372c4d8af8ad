"""Servers and networks fail under work: it waits, and goes on without loss or repetition."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.credits import MICRO
from local.mail_catcher.process import MailCatcher
from local.patience import QUIET_SECONDS
from local.processes import wait_until
from tests.faults.breakable import Servers, servers
from tests.faults.gates import request
from tests.faults.mortal import MortalFleet
from tests.fleet import Customer, Json

pytestmark = pytest.mark.faults

PAID = request("POST /v1/invoices/*/pay", "answer")
BATCHES, SIZE = 40, 5


@pytest.fixture(scope="module")
def own_servers(servers_folder: Path) -> Iterator[Servers]:
    with servers(servers_folder / "breakable") as running:
        yield running


@pytest.fixture(scope="module")
async def whole_fleet(
    own_servers: Servers, mail_catcher: MailCatcher, servers_folder: Path
) -> AsyncIterator[MortalFleet]:
    own = own_servers
    folder = servers_folder / "breakable-workers"
    database = own.postgres.database()
    async with MortalFleet.on(
        temporal=own.temporal,
        database=database,
        standin=own.standin,
        mail_catcher=mail_catcher,
        folder=folder,
    ) as fleet:
        await fleet.start()
        yield fleet


@dataclass
class Break:
    """A fault in the midst of reports: `due` when half are sent, `done` before the last are."""

    due: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)


async def report_while(customer: Customer, fault: Break) -> list[Json]:
    """Report usage in many signals before, during and after a fault; return the events."""
    event = await customer.event("1")
    sent = [event | {"key": f"{customer.name}-{n}"} for n in range(BATCHES * SIZE)]
    for number in range(BATCHES):
        if number == BATCHES // 2:
            fault.due.set()
        if number == BATCHES - 1:
            await fault.done.wait()
        await customer.life.record(sent[number * SIZE : (number + 1) * SIZE])
    return sent


def assert_debited_once_each(customer: Customer, sent: list[Json]) -> None:
    assert customer.used() == {one["key"]: MICRO for one in sent}
    assert customer.refusals() == []
    customer.check()


async def at_zero(fleet: MortalFleet) -> Customer:
    """Return a customer with one credit left and auto-purchase on."""
    customer = await fleet.fleet.subscribe("core_10k", auto=True)
    await customer.use("9999")
    return customer


async def assert_one_purchase(customer: Customer) -> None:
    status = await customer.life.settle()
    assert customer.paid() == [900, 1170]
    assert status["available"] == "9999"
    assert customer.mails() == ["receipt", "welcome", "receipt"]
    customer.check()


async def test_usage_survives_the_death_of_the_database(
    own_servers: Servers, whole_fleet: MortalFleet
) -> None:
    customer = await whole_fleet.fleet.subscribe("core_10k")
    fault = Break()
    reports = asyncio.create_task(report_while(customer, fault))
    await fault.due.wait()
    await asyncio.to_thread(own_servers.kill_postgres)
    fault.done.set()
    sent = await reports
    await asyncio.to_thread(own_servers.start_postgres)
    await customer.life.settle()
    assert_debited_once_each(customer, sent)


async def test_a_charge_survives_the_death_of_temporal(
    own_servers: Servers, whole_fleet: MortalFleet
) -> None:
    customer = await at_zero(whole_fleet)
    gate = whole_fleet.gates["processor"]
    trap = gate.arm(PAID, own_servers.kill_temporal, cuts=False)
    await customer.life.record([await customer.event("2")])
    await whole_fleet.sprung(trap)
    await asyncio.to_thread(own_servers.start_temporal)
    await assert_one_purchase(customer)


async def test_a_charge_survives_the_death_of_the_processor(
    own_servers: Servers, whole_fleet: MortalFleet
) -> None:
    customer = await at_zero(whole_fleet)
    trap = whole_fleet.gates["processor"].arm(PAID, own_servers.kill_standin)
    await customer.life.record([await customer.event("2")])
    await whole_fleet.sprung(trap)
    await asyncio.to_thread(own_servers.start_standin)
    await assert_one_purchase(customer)


async def test_a_worker_cut_off_from_temporal_as_it_was_paid_does_not_pay_again(
    mortal: MortalFleet,
) -> None:
    customer = await at_zero(mortal)
    temporal = mortal.gates["temporal"]
    trap = mortal.gates["processor"].arm(PAID, temporal.shut, cuts=False)
    await customer.life.record([await customer.event("2")])
    await mortal.sprung(trap)
    await mortal.give_up(mortal.living(), customer.life.handle.id)
    temporal.open()
    await assert_one_purchase(customer)
    assert customer.attempts() == 2


async def test_a_worker_asked_to_stop_finishes_its_work_and_loses_nothing(
    mortal: MortalFleet,
) -> None:
    program = await mortal.start_program()
    customer = await at_zero(mortal)
    with customer.payment_held():
        await customer.life.record([await customer.event("2")])
        await asyncio.to_thread(wait_until, customer.is_held, QUIET_SECONDS, "the payment")
        program.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(program.wait) == 0
    assert customer.paid() == [900, 1170]
    await mortal.start()
    await assert_one_purchase(customer)
    assert customer.attempts() == 2


async def test_of_two_workers_one_may_die(mortal: MortalFleet) -> None:
    customers = [await mortal.fleet.subscribe("core_10k") for _ in range(4)]
    await mortal.start()
    fault = Break()
    reports = [asyncio.create_task(report_while(one, fault)) for one in customers]
    await fault.due.wait()
    mortal.kill()
    fault.done.set()
    sent = await asyncio.gather(*reports)
    await mortal.bury(*customers)
    for customer, events in zip(customers, sent, strict=True):
        await customer.life.settle()
        assert_debited_once_each(customer, events)
