"""Operators' and demo commands: `python cli.py COMMAND --help`.

Commands act on the deployment that the environment names (settings.py), or else on the local
stack that `make up` runs. Exit codes: 0 done, 1 refused, declined or failed, 2 could not be carried
out (wrong words, an unknown name, a server away), 3 still under way.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from sqlalchemy.exc import OperationalError
from temporalio.service import RPCError

from commands import (
    deployment,
    finance,
    findings,
    imports,
    invoices,
    maintenance,
    price_lists,
    subscriptions,
    teams,
    toolbox,
)
from commands.access import keys, people
from commands.terminal import UNUSABLE, Command
from domain.errors import BillingError

THEMES = (
    deployment,
    subscriptions,
    maintenance,
    invoices,
    teams,
    finance,
    imports,
    findings,
    price_lists,
    keys,
    people,
)


def themes() -> tuple[ModuleType, ...]:
    """Return the modules of commands: those of the toolbox, or what stands for them without it."""
    if not toolbox.is_installed():
        return (*THEMES, toolbox)
    from commands.local import simulator, stack  # noqa: PLC0415 - they import the toolbox

    return (*THEMES, stack, simulator)


def parser() -> argparse.ArgumentParser:
    """Return the commands."""
    whole = argparse.ArgumentParser(description=__doc__, prog="cli.py")
    listed = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Command) -> argparse.ArgumentParser:
        one = listed.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(run=run)
        return one

    for theme in themes():
        theme.add_commands(add)
    return whole


def main(words: Sequence[str] | None = None) -> int:
    """Run one command: the words of the command line, if no others are given."""
    arguments = parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except BillingError as error:
        sys.stderr.write(f"{error.reason}: {error}\n")
    except RPCError as error:
        sys.stderr.write(f"temporal: {error.message}\n")
    except OperationalError as error:
        cause = str(error.orig).strip()
        sys.stderr.write(f"database_away: {cause}\nIs it up? See `DATABASE_URL` or `make up`.\n")
    except KeyboardInterrupt:
        return 130
    return UNUSABLE


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python up to 3.12 sometimes aborts while the SDK's threads end with the interpreter.
    os._exit(code)
