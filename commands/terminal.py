"""What commands share: the deployment they act on, and how they send and print."""

import asyncio
import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from commands import toolbox
from domain.errors import BillingError, InvalidInput
from domain.messages.fields import once_each
from domain.pricing.catalog import Catalog
from ledger.reports.tables import Column, Sheet, csv_text
from models.base import connect
from settings import Settings
from worker import connected
from workflows import names

WIDTH = 120  # of tables if the terminal gives none
LONGEST_WORD = 20  # the longest word that a column never breaks
FRACTION = re.compile(r"(?<=:\d\d)\.\d{6}(?=Z)")  # of a second: only the CSV shows it

# Exit codes of commands; docs/operations.md explains them.
DONE, REFUSED, UNUSABLE, UNDER_WAY = range(4)
REFUSALS = frozenset({"refused", "declined", "rejected"})

console = Console(width=None if sys.stdout.isatty() else WIDTH)

Command = Callable[[Namespace], int]
Add = Callable[[str, Command], ArgumentParser]  # its help is the command's docstring


def environment() -> Mapping[str, str]:
    """Return the environment of the deployment, or that of the local stack."""
    if os.environ.get("DATABASE_URL") or not toolbox.is_installed():
        return os.environ
    return dict(os.environ) | toolbox.stack().environment() | {"METRICS_ADDRESS": ""}


def settings() -> Settings:
    """Return the settings of the deployment that commands act on."""
    return Settings.from_environment(environment())


@contextmanager
def database() -> Iterator[Engine]:
    """Yield the ledger's engine and leave no connection open."""
    engine = connect(settings().database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def named(catalogs: Mapping[str, Catalog], name: str) -> Catalog:
    """Return a catalog by its name. Raises `unknown_catalog`, listing those there are."""
    if name not in catalogs:
        raise InvalidInput("unknown_catalog", f"there are: {', '.join(sorted(catalogs))}")
    return catalogs[name]


def update(subscription_id: str, name: str, message: object) -> Any:
    """Send an update to a subscription and return its answer."""

    async def send() -> Any:
        client: Client = await connected(settings())
        handle = client.get_workflow_handle(names.subscription_workflow(subscription_id))
        return await handle.execute_update(name, message)

    try:
        return asyncio.run(send())
    except WorkflowUpdateFailedError as error:
        if isinstance(error.cause, ApplicationError):
            reason = error.cause.type or "failed"
            raise InvalidInput(reason, error.cause.message) from error
        raise InvalidInput("failed", str(error.cause)) from error
    except RPCError as error:
        raise not_there(subscription_id, error) from error


def not_there(subscription_id: str, error: RPCError) -> Exception:
    """Return the message for a subscription whose workflow does not answer."""
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    message = (
        f"no workflow runs for {subscription_id!r:.80}: it has ended or never started; "
        "if it should live, `python cli.py rebuild CUSTOMER` starts it again"
    )
    return InvalidInput("unknown_subscription", message)


def json_object(words: str) -> object:
    """Parse a message typed as JSON. Raises `malformed`, with the position of the error."""
    try:
        return json.loads(words, object_pairs_hook=once_each)
    except ValueError as error:
        message = f'{error}: write it as \'{{"key": "case-7"}}\''
        raise InvalidInput("malformed", message) from error


def print_json(answer: object) -> int:
    """Print something as JSON."""
    console.print_json(json.dumps(answer, default=str))
    return DONE


def print_answer(answer: Mapping[str, Any]) -> int:
    """Print the answer to an update; return its exit code."""
    print_json(answer)
    status = answer.get("status")
    if status in REFUSALS:
        return REFUSED
    return UNDER_WAY if status == "pending" else DONE


def print_sheet(found: Sheet) -> int:
    """Print a report as a table."""
    rows = [tuple(FRACTION.sub("", cell) for cell in row) for row in found.shown_rows()]
    columns = list(zip(found.shown, zip(*rows, strict=True) if rows else repeat(()), strict=False))
    widths = [_least_width(one, cells) for one, cells in columns]
    is_tight = sum(widths) + 3 * len(widths) + 1 > console.width
    table = Table(
        header_style="bold",
        box=box.SIMPLE_HEAD if is_tight else box.HEAVY_HEAD,
        padding=(0, 1, 0, 0) if is_tight else (0, 1),
    )
    for (one, _), width in zip(columns, widths, strict=True):
        side: Literal["left", "right"] = "right" if one.is_number else "left"
        table.add_column(one.name, justify=side, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(Text, row))  # other people's text: brackets are not markup
    title, *notes = (FRACTION.sub("", one) for one in (found.title, *found.shown_notes()))
    console.print(Text(title, style="italic"), table, *notes, sep="\n")
    return 0


def show_sheet(found: Sheet, csv: Path | None) -> int:
    """Print a report, or write it as CSV. Raises `InvalidInput` (`file_not_written`)."""
    if csv is None:
        return print_sheet(found)
    try:
        csv.write_text(csv_text(found), encoding="utf-8", newline="")
    except OSError as error:
        message = f"{error.strerror}: choose a file other than {str(csv)!r:.80}"
        raise InvalidInput("file_not_written", message) from error
    return DONE


def _least_width(column: Column, cells: Iterable[str]) -> int:
    """Return a width at which no number, instant or word of a heading breaks."""
    words = [word for text in (column.name, *cells) for word in text.split()]
    longest = max(map(len, words), default=1)
    return longest if column.is_number else min(longest, LONGEST_WORD)


def print_links(subscription_id: str) -> None:
    """Print the operators' addresses; the UI's filters are part of the URL."""
    if not toolbox.is_installed():
        return
    try:
        ui = toolbox.stack().temporal_ui
    except BillingError:
        return
    base = f"{ui}/namespaces/default/workflows"
    for title, query in (
        ("this subscription", f"WorkflowId = '{names.subscription_workflow(subscription_id)}'"),
        ("paused now", f"{names.STATUS.name} = 'paused'"),
        ("past due", f"{names.STATUS.name} = 'past_due'"),
    ):
        console.print(f"{title}: {base}?query={quote(query)}", soft_wrap=True)
