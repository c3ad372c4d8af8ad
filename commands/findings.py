"""Commands for findings."""

import asyncio
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime

from activities.context import BillingContext
from activities.payments.reconciliation import ReconcileActivities, Reconciled
from commands.terminal import Add, console, database, print_json, print_sheet, settings
from domain.errors import InvalidInput
from domain.payments.findings import Finding
from gateways.stripe import StripePayments
from ledger.payments import findings
from ledger.reports.tables import ABSENT, Sheet, texts
from worker import connected

COLUMNS = texts("found", "kind", "of", "at the processor", "what", "key")
SETTLE = "settle"


def findings_of(arguments: Namespace) -> int:
    """Print the open findings, or settle one: `findings settle KEY`."""
    if arguments.settle:
        return _settle(arguments)
    with database() as engine, engine.connect() as connection:
        found = findings.open_findings(connection, arguments.customer)
    if arguments.json:
        return print_json([_as_json(one) for one in found])
    rows = tuple(_row(one) for one in found)
    note = "settle one: python cli.py findings settle KEY --by NAME --reason TEXT"
    return print_sheet(Sheet("open findings", COLUMNS, rows, (note,)))


def reconcile(_: Namespace) -> int:
    """Compare processor, ledger, workflows and outbox; what differs becomes a finding."""
    chosen = settings()

    async def compare() -> Reconciled:
        client = await connected(chosen)
        with (
            database() as engine,
            StripePayments(chosen.stripe_api_key, base_url=chosen.stripe_api_base) as payments,
        ):
            context = BillingContext(engine, {}, chosen.public_url, chosen.link_secrets)
            loop = asyncio.get_running_loop()
            activities = ReconcileActivities(context, payments, client, loop)
            return await asyncio.to_thread(activities.reconcile, datetime.now(UTC))

    done = asyncio.run(compare())
    print_json(asdict(done))
    if done.differences:
        console.print("look at them: python cli.py findings")
    return 1 if done.differences else 0


def _settle(arguments: Namespace) -> int:
    word, *keys = arguments.settle
    if word != SETTLE or len(keys) != 1:
        raise InvalidInput("unknown_finding", "write `findings settle KEY`")
    with database() as engine, engine.begin() as connection:
        by, reason = arguments.by or "", arguments.reason or ""
        one = findings.settle(connection, key=keys[0], by=by, reason=reason, at=datetime.now(UTC))
    console.print(f"settled: {one.kind}, {one.detail}", markup=False)
    return 0


def _row(one: Finding) -> tuple[str, ...]:
    whose = one.subscription_id or one.customer_id or ABSENT
    return (
        one.at.isoformat(),
        one.kind.value,
        one.charge_id or whose,
        one.processor_id or ABSENT,
        one.detail,
        one.key,
    )


def _as_json(one: Finding) -> dict[str, str | None]:
    return {
        "key": one.key,
        "kind": one.kind.value,
        "customer": one.customer_id,
        "subscription": one.subscription_id,
        "charge": one.charge_id,
        "processor": one.processor_id,
        "detail": one.detail,
        "at": one.at.isoformat(),
    }


def add_commands(add: Add) -> None:
    """Add this module's command and its arguments."""
    one = add("findings", findings_of)
    one.add_argument("settle", nargs="*", help="`settle KEY`, with --by and --reason")
    one.add_argument("--by", help="who has looked")
    one.add_argument("--reason", help="what came of it")
    one.add_argument("--customer", help="only of this one")
    one.add_argument("--json", action="store_true")
    add("reconcile", reconcile)
