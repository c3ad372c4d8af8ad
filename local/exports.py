"""The running stack as lines for a shell: `eval "$(.venv/bin/python cli.py env)"`.

A shell that took them up has the addresses that commands, products and `temporal` itself read.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from local import state
from local.temporal import binary
from workflows.names import BILLING

ROOT = Path(__file__).parents[1]
SHOWN_ONCE = ("LINK_SECRETS", "DRAWDOWN_API_KEY")  # what a folder made for itself
USUAL = Path(".venv/bin/python")  # from the root of the repository


def lines(
    where: state.State,
    environment: Mapping[str, str] = os.environ,
    program: str | None = None,
    *,
    with_secrets: bool = True,
) -> str:
    """Return one line for each variable; StackError when `temporal` is not installed.

    `environment` is the one of the shell: what in it speaks of another deployment is unset.
    `program` is the path of `temporal`, found where it is left out. Without secrets, `SHOWN_ONCE`
    is left out.
    """
    values = where.environment() | {
        "DRAWDOWN_URL": where.api,
        "DRAWDOWN_API_KEY": where.api_key,
        "TEMPORAL_TASK_QUEUE": BILLING,
        "METRICS_ADDRESS": "",  # the worker of the stack listens there; a second one could not
    }
    if not with_secrets:
        values = {name: text for name, text in values.items() if name not in SHOWN_ONCE}
    foreign = environment.keys() - state.clean_environment(dict(environment)).keys()
    folder = quote(str(Path(program or binary()).absolute().parent))
    return "\n".join(
        [
            *(f"unset {name}" for name in sorted(foreign - values.keys()) if name.isidentifier()),
            *(f"export {name}={quote(text)}" for name, text in values.items()),
            f'export PATH={folder}"${{PATH:+:$PATH}}"',
        ]
    )


def command(environment: Mapping[str, str] = os.environ) -> str:
    """Return what a person types in another shell to take the lines up."""
    beside = Path(sys.executable) == ROOT / USUAL
    python = quote(str(USUAL if beside else sys.executable))
    folder = environment.get(state.HOME)
    where = f"{state.HOME}={quote(folder)} " if folder else ""
    return f'eval "$({where}{python} cli.py env)"'
