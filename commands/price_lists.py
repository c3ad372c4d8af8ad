"""Commands for price lists."""

from argparse import Namespace
from pathlib import Path

from catalogs.reader import read_catalog
from commands.terminal import DONE, REFUSED, Add, console
from domain.errors import InvalidCatalog, InvalidInput


def catalog(wanted: Namespace) -> int:
    """Check a price list: every fault with its line; nothing is loaded."""
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


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    one = add("catalog", catalog)
    one.add_argument("what", choices=("check",), help="check: read it and say what is wrong")
    one.add_argument("file", metavar="FILE")
