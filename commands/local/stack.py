"""Commands that run the local stack, and the demo on it. Only with the toolbox."""

import asyncio
from argparse import Namespace

from commands.terminal import Add, console
from local import exports, state
from local.stack import reset, run_forever


def up(_: Namespace) -> int:
    """Start the local stack and leave it running."""
    return run_forever(state.home())


def env(_: Namespace) -> int:
    """Print the running local stack for a shell: eval "$(.venv/bin/python cli.py env)"."""
    print(exports.lines(state.live(state.home())))  # noqa: T201 - a shell reads it, as it is
    return 0


def reset_stack(_: Namespace) -> int:
    """Empty the local stack's folder."""
    reset(state.home())
    return 0


def run_demo(_: Namespace) -> int:
    """Live whole subscriptions on real usage and prove the books."""
    from local.demo.play import play  # noqa: PLC0415 - drawing takes long to import

    return 0 if asyncio.run(play(console)) else 1


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    add("up", up)
    add("env", env)
    add("reset", reset_stack)
    add("demo", run_demo)
