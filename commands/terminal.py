"""What commands share: the deployment they act on, and how they ask and print."""

import asyncio
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.catalog import Catalog
from domain.errors import BillingError, InvalidInput
from ledger.reports.tables import Sheet
from local import state
from settings import Settings
from worker import connected
from workflows import names

WIDTH = 120  # of tables where no terminal tells its own

console = Console(width=None if sys.stdout.isatty() else WIDTH)

Command = Callable[[Namespace], int]
Add = Callable[[str, Command], ArgumentParser]  # its help is the command's docstring


def environment() -> Mapping[str, str]:
    """Return the environment of the deployment, or that of the local stack."""
    if os.environ.get("DATABASE_URL"):
        return os.environ
    return dict(os.environ) | state.read(state.home()).environment() | {"METRICS_ADDRESS": ""}


def settings() -> Settings:
    """Return the settings of the deployment that commands act on."""
    return Settings.from_environment(environment())


def named(catalogs: Mapping[str, Catalog], name: str) -> Catalog:
    """Return a catalog by its name; `unknown_catalog` names the ones there are."""
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
        cause = error.cause
        reason = cause.type if isinstance(cause, ApplicationError) else None
        raise InvalidInput(reason or "failed", str(cause)) from error


def print_json(answer: object) -> int:
    """Print an answer as JSON."""
    console.print_json(json.dumps(answer, default=str))
    return 0


def print_sheet(found: Sheet) -> int:
    """Print a report as a table."""
    table = Table(title=found.title, title_justify="left", header_style="bold")
    for one in found.shown:
        table.add_column(one.name, justify="right" if one.is_number else "left", overflow="fold")
    for row in found.shown_rows():
        table.add_row(*map(Text, row))  # other people's words: brackets are no markup
    console.print(table, *found.shown_notes(), sep="\n")
    return 0


def print_links(subscription_id: str) -> None:
    """Print where an operator looks; the UI's filters are part of its addresses."""
    try:
        ui = state.read(state.home()).temporal_ui
    except BillingError:
        return
    base = f"{ui}/namespaces/default/workflows"
    for title, query in (
        ("this subscription", f"WorkflowId = '{names.subscription_workflow(subscription_id)}'"),
        ("paused now", f"{names.STATUS.name} = 'paused'"),
        ("past due", f"{names.STATUS.name} = 'past_due'"),
    ):
        console.print(f"{title}: {base}?query={quote(query)}", soft_wrap=True)
