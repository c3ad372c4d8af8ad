"""Commands for price lists."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from catalogs.kept import refusal, told
from catalogs.reader import PriceList, load_catalogs, read_catalog, read_list
from catalogs.reference import reference
from commands import rerating
from commands.sold import document, sheet
from commands.terminal import (
    DONE,
    REFUSED,
    Add,
    Command,
    console,
    environment,
    print_json,
    print_sheet,
)
from domain.errors import BillingError, InvalidCatalog, InvalidInput
from domain.pricing.published import Comparison
from ledger import published
from models.base import connect
from settings import CATALOGS


def catalog(arguments: Namespace) -> int:
    """Check a price list, list what is sold, or print the reference of all keys."""
    return int(arguments.does(arguments))


def check(arguments: Namespace) -> int:
    """Check a price list: report every fault and every edit of what was published, by line."""
    try:
        read = _read(arguments.file)
    except InvalidCatalog as error:
        return _refused(error.faults)
    try:
        found = _compared(read)
    except BillingError as error:
        _told(f"{read.file} is a valid price list; not compared with what was published: {error}")
        return _warned(read)
    if found.refused:
        return _refused([str(refusal(told(read, found.refused)))])
    _told(f"{read.file} is a valid price list and keeps what was published")
    for item in (*found.fresh, *found.withdrawn):
        _told(f"  {'new' if item in found.fresh else 'called off'}: {item}")
    return _warned(read)


def list_sold(arguments: Namespace) -> int:
    """List plans and packs with versions, prices and credits, from all lists or the given files."""
    folder = Path(os.environ.get("DRAWDOWN_CATALOGS") or CATALOGS)
    files = [Path(name) for name in arguments.files]
    catalogs = [read_catalog(file) for file in files] or load_catalogs(folder)
    if arguments.json:
        return print_json(document(catalogs))
    return print_sheet(sheet(catalogs))


def rerate(arguments: Namespace) -> int:
    """Change what was published; --preview only lists everyone affected."""
    try:
        read = _read(arguments.file)
    except InvalidCatalog as error:
        return _refused(error.faults)
    return rerating.rerate(read, arguments)


def print_reference(_: Namespace) -> int:
    """Print every key of a price list: values, default, meaning, example."""
    sys.stdout.write(reference())
    return DONE


def _read(name: str) -> PriceList:
    file = Path(name)
    if not file.is_file():
        raise InvalidInput("unknown_file", f"there is no file {name!r:.200}")
    return read_list(file)


def _compared(read: PriceList) -> Comparison:
    """Compare with the database. Raises `InvalidInput` (`not_compared`) without one."""
    url = environment().get("DATABASE_URL")
    if not url:
        raise InvalidInput("not_compared", "DATABASE_URL is not set")
    engine = connect(url)
    try:
        return _compared_in(engine, read)
    except OperationalError as error:
        raise InvalidInput("not_compared", f"the database is unreachable: {error.orig}") from error
    except ProgrammingError as error:
        message = "the database is not migrated: run `python cli.py migrate`"
        raise InvalidInput("not_compared", message) from error
    finally:
        engine.dispose()


def _compared_in(engine: Engine, read: PriceList) -> Comparison:
    with engine.connect() as connection:
        return published.compared(connection, read.catalog, datetime.now(UTC))


def _warned(read: PriceList) -> int:
    for warning in read.warnings:
        _told(f"warning: {warning}")
    return DONE


def _refused(faults: Iterable[str]) -> int:
    for fault in faults:
        _told(fault)
    return REFUSED


def _told(text: str) -> int:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    return DONE


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    listed = add("catalog", catalog).add_subparsers(required=True, metavar="WHAT")

    def also(name: str, run: Command) -> ArgumentParser:
        one = listed.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(does=run)
        return one

    also("check", check).add_argument("file", metavar="FILE")
    one = also("list", list_sold)
    one.add_argument("files", metavar="FILE", nargs="*", help="the deployment's if left out")
    one.add_argument("--json", action="store_true", help="for programs")
    also("reference", print_reference)
    one = also("rerate", rerate)
    one.add_argument("file", metavar="FILE")
    one.add_argument("--by", help="who is responsible for it")
    one.add_argument("--reason", help="why what was published changes")
    one.add_argument("--preview", action="store_true", help="change nothing")
    one.add_argument("--csv", type=Path, help="write everyone affected to this file")
