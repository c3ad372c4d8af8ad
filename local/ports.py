"""A stack's ports: as given, else those of its last run if still free, else free ones."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from local.processes import StackError, check_free, free_port

FILE = "ports.json"  # kept after a stop: links in mails and bookmarks stay good


@dataclass(frozen=True, slots=True)
class Ports:
    """A loopback port for each listener; 0 leaves the choice to us."""

    postgres: int = 0
    temporal: int = 0
    temporal_ui: int = 0
    stripe: int = 0
    mail: int = 0
    smtp: int = 0
    api: int = 0
    metrics: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read DRAWDOWN_POSTGRES_PORT and so on; raise StackError for a non-port."""
        given: dict[str, int] = {}
        for listener in fields(cls):
            name = f"DRAWDOWN_{listener.name.upper()}_PORT"
            text = environment.get(name) or "0"
            if not text.isdecimal() or int(text) >= 1 << 16:
                raise StackError("bad_port", f"{name} is not a port: use 1 to 65535, or 0")
            given[listener.name] = int(text)
        return cls(**given)


def choose(home: Path, given: Ports) -> Ports:
    """Return a free port for every listener and remember them in `home`; StackError if taken."""
    file = home / FILE
    remembered = json.loads(file.read_text()) if file.exists() else {}
    chosen = Ports(
        **{
            name: _given(name, port) if port else _free(remembered.get(name, 0))
            for name, port in asdict(given).items()
        }
    )
    file.write_text(json.dumps(asdict(chosen)) + "\n")
    return chosen


def _given(name: str, port: int) -> int:
    check_free(port, name)
    return port


def _free(remembered: int) -> int:
    if remembered:
        try:
            return _given("the last run's", remembered)
        except StackError:
            pass  # taken by another process now
    return free_port()
