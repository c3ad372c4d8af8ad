"""Commands for price lists."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from catalogs.reader import read_catalog
from catalogs.reference import reference
from commands.terminal import DONE, REFUSED, Add, Command, console
from domain.errors import InvalidCatalog, InvalidInput


def catalog(wanted: Namespace) -> int:
    """Check a price list, or print the reference of its keys."""
    return int(wanted.does(wanted))


def check(wanted: Namespace) -> int:
    """Read a price list and say every fault with its line; nothing is loaded."""
    file = Path(wanted.file)
    if not file.is_file():
        raise InvalidInput("unknown_file", f"there is no file {wanted.file!r:.200}")
    try:
        read_catalog(file)
    except InvalidCatalog as error:
        for fault in error.faults:
            console.print(fault, markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    console.print(f"{file.name} is a sound price list", markup=False, highlight=False)
    return DONE


def print_reference(_: Namespace) -> int:
    """Print every key of a price list: what it takes, its default, its meaning, an example."""
    sys.stdout.write(reference())
    return DONE


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    listed = add("catalog", catalog).add_subparsers(required=True, metavar="WHAT")

    def also(name: str, run: Command) -> ArgumentParser:
        one = listed.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(does=run)
        return one

    also("check", check).add_argument("file", metavar="FILE")
    also("reference", print_reference)
