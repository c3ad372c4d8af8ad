"""The whole stack of one folder: four servers, then worker and API, until someone stops it."""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from local import credentials, exports, fleet, state
from local.accounts import fallback_for
from local.credentials import Credentials
from local.mail_catcher.process import MailCatcher
from local.ports import FILE as PORTS
from local.ports import Ports, choose
from local.postgres import DATABASE, OWNER, Postgres
from local.processes import LOOPBACK, StackError, on_free_ports, stop
from local.stripe_standin.process import WEBHOOK_SECRET, StandIn
from local.temporal import TemporalServer
from nexus import endpoint

WEBHOOK_PATH = "/webhooks/stripe"
LOCK = "lock"
FOLDERS = ("postgres", "temporal", "stripe", "mail")
FILES = (state.FILE, credentials.FILE, PORTS, LOCK)
LOOK = 0.5  # seconds between two looks at the processes


@dataclass(frozen=True, slots=True)
class Stack:
    """The four servers of a folder, the database migrated; worker and API are not part of it."""

    home: Path
    ports: Ports
    lock: TextIO
    postgres: Postgres
    temporal: TemporalServer
    standin: StandIn
    mail: MailCatcher
    credentials: Credentials

    @classmethod
    def start(cls, home: Path, ports: Ports | None = None, *, persistent: bool = True) -> Self:
        """Start the servers together; StackError when one fails, and then none is left running.

        `persistent` keeps the histories of Temporal; everything else is kept in any case.
        """
        home.mkdir(parents=True, exist_ok=True)
        given = ports or Ports.from_environment(os.environ)
        return on_free_ports(lambda: cls._start(home, given, persistent=persistent))

    @classmethod
    def _start(cls, home: Path, ports: Ports, *, persistent: bool) -> Self:
        lock = _lock(home)
        parts: list[Future[Any]] = []
        try:
            chosen = choose(home, ports)
            with ThreadPoolExecutor() as pool:
                parts += _submit(pool, home, chosen, persistent=persistent)
            database, *servers = [part.result() for part in parts]
            made = credentials.of(home, database.dsn())
            return cls(home, chosen, lock, *[database, *servers, made])
        except BaseException:
            for part in parts:
                if part.done() and not part.exception():
                    part.result().stop()
            lock.close()
            raise

    @property
    def servers(self) -> dict[str, subprocess.Popen[bytes]]:
        """Return the processes of the servers by name."""
        return {
            "PostgreSQL": self.postgres.process,
            "Temporal": self.temporal.process,
            "Stripe stand-in": self.standin.process,
            "mail catcher": self.mail.process,
        }

    def state(self, **others: subprocess.Popen[bytes]) -> state.State:
        """Return the addresses, with the processes of the servers and `others`."""
        processes = self.servers | others
        return state.State(
            temporal=self.temporal.address,
            temporal_ui=self.temporal.ui_url,
            database=self.postgres.dsn(),
            database_owner=self.postgres.dsn(role=OWNER),
            stripe=self.standin.base_url,
            stripe_key=StandIn.api_key,
            stripe_webhook_secret=WEBHOOK_SECRET,
            link_secret=self.credentials.link_secret,
            api_key=self.credentials.api_key,
            mail=self.mail.url,
            smtp=self.mail.smtp_url,
            api=f"http://{LOOPBACK}:{self.ports.api}",
            metrics=f"{LOOPBACK}:{self.ports.metrics}",
            pids={name: process.pid for name, process in processes.items()},
        )

    def stop(self) -> None:
        """Stop the servers; their data are kept."""
        servers = (self.mail, self.standin, self.temporal, self.postgres)
        with ThreadPoolExecutor() as pool:  # each takes its time
            for stopping in [pool.submit(server.stop) for server in servers]:
                stopping.result()
        (self.home / state.FILE).unlink(missing_ok=True)
        self.lock.close()


def environment(stack: Stack) -> dict[str, str]:
    """Return the variables of `settings` that make worker and API run on this stack."""
    return stack.state().environment()


def run_forever(home: Path, ports: Ports | None = None) -> int:
    """Start stack, worker and API, show where they are, and stop all on Ctrl-C or SIGTERM.

    Return 0 when asked to stop, 1 when a process ended by itself or could not start.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    running = ExitStack()
    console = Console()
    try:
        processes = on_free_ports(lambda: _start_or_close(home, ports, running, console))
        return _watch(processes, console)
    except KeyboardInterrupt:
        console.print("stopping…")
        return 0
    except StackError as error:
        console.print(str(error), markup=False)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # stopping takes seconds, and is done once
        running.close()


def reset(home: Path) -> None:
    """Remove what the stack of this folder has kept, nothing else; StackError while it runs."""
    if not (home / LOCK).exists():
        return
    with _lock(home):
        for folder in FOLDERS:
            shutil.rmtree(home / folder, ignore_errors=True)
        shutil.rmtree(fallback_for(home / "postgres"), ignore_errors=True)
        for file in (*home.glob("*.log"), *(home / name for name in FILES)):
            file.unlink(missing_ok=True)
    if not any(home.iterdir()):
        home.rmdir()


def _start_or_close(
    home: Path, ports: Ports | None, running: ExitStack, console: Console
) -> dict[str, subprocess.Popen[bytes]]:
    """Start all, or leave nothing running that the next start would meet."""
    try:
        return _start_all(home, ports, running, console)
    except StackError:
        running.close()
        raise


def _start_all(
    home: Path, ports: Ports | None, running: ExitStack, console: Console
) -> dict[str, subprocess.Popen[bytes]]:
    stack = Stack.start(home, ports)
    running.callback(stack.stop)
    asyncio.run(_make_endpoint(stack.temporal.address))
    variables = environment(stack)
    alone = variables | {"METRICS_ADDRESS": ""}  # the worker listens there
    api = fleet.start_api(alone, stack.ports.api, home / "api.log")
    running.callback(stop, api)
    worker = fleet.start_worker(variables, stack.temporal, home / "worker.log")
    running.callback(stop, worker, grace=fleet.WORKER_GRACE)
    simulations = fleet.start_simulations(stack.temporal, home / "simulations.log")
    running.callback(stop, simulations, grace=fleet.SIMULATOR_GRACE)
    parts = {"API": api, "worker": worker, "simulator": simulations}
    written = state.write(home, stack.state(**parts))
    console.print(_table(stack, written))
    _print_exports(console, stack)
    return stack.servers | {
        "the API": api, "the worker": worker, "the simulator": simulations,
    }  # fmt: skip


async def _make_endpoint(address: str) -> None:
    """Let workflows of other namespaces find us, as `cli.py bootstrap` does."""
    await endpoint.ensure(await Client.connect(address))


def _print_exports(console: Console, stack: Stack) -> None:
    """Print what another shell needs: each value whole, on a line of its own."""
    are_new = stack.credentials.are_new
    hidden = "" if are_new else f" (and {' and '.join(exports.SHOWN_ONCE)}, shown at first only)"
    told = f"""In another shell, in this folder, paste one line, then the examples of docs/contract:

{exports.command()}

which sets{hidden}:

{exports.lines(stack.state(), with_secrets=are_new)}
"""
    console.print(told, markup=False, highlight=False, soft_wrap=True)
    password = stack.credentials.password if are_new else f"in {stack.home / credentials.FILE}"
    signing_in = f"""Operators sign in at {stack.state().api}/operator
  address   {credentials.OPERATOR}
  password  {password}

`python cli.py console CUSTOMER` prints a link that opens a customer's console.
"""
    console.print(signing_in, markup=False, highlight=False, soft_wrap=True)


def _watch(processes: dict[str, subprocess.Popen[bytes]], console: Console) -> int:
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                console.print(f"{name} ended with status {process.returncode}: see its log")
                return 1
        time.sleep(LOOK)


def _submit(
    pool: ThreadPoolExecutor, home: Path, ports: Ports, *, persistent: bool
) -> list[Future[Any]]:
    """Begin to start the four servers, in the order of the stack's fields."""
    hook = f"http://{LOOPBACK}:{ports.api}{WEBHOOK_PATH}"
    return [
        pool.submit(_start_database, home / "postgres", ports.postgres),
        pool.submit(
            TemporalServer.start,
            home / "temporal",
            port=ports.temporal,
            ui_port=ports.temporal_ui,
            persistent=persistent,
        ),
        pool.submit(
            StandIn.start,
            home / "stripe",
            port=ports.stripe,
            webhook_url=hook,
        ),
        pool.submit(MailCatcher.start, home / "mail", port=ports.smtp, http_port=ports.mail),
    ]


def _start_database(folder: Path, port: int) -> Postgres:
    server = Postgres.start(folder, port=port)
    try:
        server.create_database(DATABASE)
        server.migrate()
    except BaseException:
        server.stop()
        raise
    return server


def _lock(home: Path) -> TextIO:
    lock = (home / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        message = f"a stack runs in {home}: stop it, or set {state.HOME} to another folder"
        raise StackError("folder_in_use", message) from error
    return lock


def _table(stack: Stack, written: Path) -> Table:
    where = stack.state()
    table = Table(title="Drawdown runs. Ctrl-C stops it; the data stay.", title_justify="left")
    table.add_column("what")
    table.add_column("where", overflow="fold")
    table.add_row("Temporal UI", where.temporal_ui)
    table.add_row("mails", where.mail)
    table.add_row("Stripe stand-in", where.stripe)
    table.add_row("API", where.api)
    table.add_row("Temporal", where.temporal)
    table.add_row("database", where.database)
    table.add_row("SMTP", where.smtp)
    table.add_row("metrics", where.metrics)
    table.add_row("all of it, as JSON", str(written))
    if stack.postgres.folder != stack.home / "postgres":
        table.add_row("PostgreSQL's data", str(stack.postgres.folder))
    return table
