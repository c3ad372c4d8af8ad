"""What price lists sell, who is on which version, and moving them to the newest."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from api.pages.asking import Json
from api.pages.operator.page import Page
from api.pages.operator.visits import Visit
from domain.access.operators import OperatorRole
from domain.errors import BillingError, InvalidInput
from domain.periods import Interval
from domain.pricing.catalog import Action, Catalog, Plan
from ledger.reads import sold
from ledger.reads.sold import Subscriber, Version

T = TypeVar("T")
NAME = "catalogs"
MOVE = "POST /subscriptions/{id}/migrate_plan"
MOST = 20  # subscriptions that one click moves; `cli.py migrate-plans` moves them all


@dataclass(frozen=True, slots=True)
class SoldPlan:
    """A version of a plan; `plan` None: no longer in the list, though somebody is on it."""

    of: Version
    plan: Plan | None
    is_newest: bool
    number: int
    elsewhere: tuple[Plan, ...] = ()  # the same version in the list's other currencies


@dataclass(frozen=True, slots=True)
class Move:
    """What moving one subscription came to, or would; `refused`: why it cannot be moved."""

    subscriber: Subscriber
    told: Json
    refused: str


async def show(visit: Visit) -> Mapping[str, Any]:
    """Show one price list, and who is on the version that was chosen."""
    return await _facts(visit, visit.query, ())


async def preview(visit: Visit) -> Mapping[str, Any]:
    """Show what moving the first subscriptions of a version would change; change nothing."""
    return await _facts(visit, visit.form, await _moves(visit, preview=True))


async def move(visit: Visit) -> Mapping[str, Any]:
    """Move the first subscriptions of a version to the newest, with their next period."""
    return await _facts(visit, visit.form, await _moves(visit, preview=False))


async def _moves(visit: Visit, *, preview: bool) -> Sequence[Move]:
    of = _version(visit.form)
    if of is None:
        raise InvalidInput("unknown_plan", "no version was named")
    found = await _read(visit, lambda books: sold.subscribers(books, of, MOST))

    async def ask(number: int, one: Subscriber) -> Move:
        body: Json = {"when": "next_period", "preview": preview}
        key = f"{visit.form.get('key', '')}-{number}"
        try:
            told = await visit.ask(MOVE, body=body, key=key, id=one.subscription_id)
        except BillingError as error:
            return Move(one, {}, error.reason)
        return Move(one, told, "")

    return await asyncio.gather(*(ask(number, one) for number, one in enumerate(found)))


async def _facts(
    visit: Visit, asked: Mapping[str, str], moves: Sequence[Move]
) -> Mapping[str, Any]:
    catalogs = visit.services.context.catalogs
    name = asked.get("list") or min(catalogs)
    if name not in catalogs:
        raise InvalidInput("unknown_catalog", f"there is no catalog {name!a:.60}")
    of = _version(asked)

    def read(connection: Connection) -> tuple[Mapping[Version, int], list[Subscriber]]:
        on = sold.subscribers(connection, of, MOST) if of is not None else []
        return sold.counts(connection, name), on

    counts, on = await _read(visit, read)
    catalog = catalogs[name]
    return {
        "lists": sorted(catalogs),
        "list": catalog,
        "plans": _plans(catalog, counts),
        "actions": [_action(one, visit.at) for one in catalog.actions],
        "chosen": of,
        "on": on,
        "moves": moves,
        "moved": any(one.told.get("status") != "preview" for one in moves if not one.refused),
        "most": MOST,
        "every": every,
        "units": {one.credit_type: one.name for one in catalog.credit_types},
        "moment": lambda written: visit.show.moment(datetime.fromisoformat(written)),
    }


def every(interval: Interval) -> str:
    """Return how often something recurs, as people say it."""
    return interval.unit if interval.count == 1 else f"{interval.count} {interval.unit}s"


def _plans(catalog: Catalog, counts: Mapping[Version, int]) -> list[SoldPlan]:
    listed = {Version(catalog.name, one.plan_id, one.version): one for one in catalog.plans}
    return [
        SoldPlan(
            of=of,
            plan=listed.get(of),
            elsewhere=tuple(
                one
                for one in catalog.elsewhere
                if (one.plan_id, one.version) == (of.plan_id, of.version)
            ),
            is_newest=of in listed and catalog.plan(of.plan_id).version == of.version,
            number=counts.get(of, 0),
        )
        for of in (*listed, *(one for one in counts if one not in listed))
    ]


def _action(action: Action, at: datetime) -> dict[str, Any]:
    begun = [one for one in action.rates if one.effective_from <= at]
    return {
        "name": action.name,
        "id": action.action_id,
        "now": begun[-1] if begun else None,
        "later": [one for one in action.rates if one.effective_from > at],
    }


def _version(asked: Mapping[str, str]) -> Version | None:
    catalog, plan, version = (asked.get(name, "") for name in ("list", "plan", "version"))
    if not (catalog and plan):
        return None
    if "\x00" in plan or not (version.isascii() and version.isdigit() and len(version) < 9):  # noqa: PLR2004 - digits
        raise InvalidInput("unknown_plan", f"there is no version {version!a:.20}")
    return Version(catalog, plan, int(version))


async def _read(visit: Visit, question: Callable[[Connection], T]) -> T:
    def run() -> T:
        with visit.services.engine.connect() as connection:
            return question(connection)

    return await asyncio.to_thread(run)


PAGE = Page(
    NAME,
    "Catalogs",
    show,
    acts={"preview": preview, "move": move},
    roles=frozenset({OperatorRole.SUPPORT, OperatorRole.ADMIN}),
)
