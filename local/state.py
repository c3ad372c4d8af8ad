"""What is running, as JSON in the stack's folder: for people, commands and other programs."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.processes import StackError, is_alive, listens

FILE = "stack.json"
HOME = "DRAWDOWN_HOME"
MAIL_FROM = "Drawdown <billing@drawdown.example>"
# Variables of another deployment that must not leak into the children of this one.
FOREIGN = ("TEMPORAL_", "STRIPE_", "SMTP_", "PG", "PAYLOAD_KEYS", "LINK_SECRETS")


@dataclass(frozen=True, slots=True)
class State:
    """The addresses of a running stack, and the processes by name."""

    temporal: str
    temporal_ui: str
    database: str
    database_owner: str
    stripe: str
    stripe_key: str
    stripe_webhook_secret: str
    link_secret: str
    api_key: str
    mail: str
    smtp: str
    api: str
    metrics: str
    pids: dict[str, int]

    def environment(self) -> dict[str, str]:
        """Return the variables of `settings` that make worker and api run on this stack."""
        return {
            "DATABASE_URL": self.database,
            "TEMPORAL_ADDRESS": self.temporal,
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_UI_URL": self.temporal_ui,
            "STRIPE_API_KEY": self.stripe_key,
            "STRIPE_API_BASE": self.stripe,
            "STRIPE_WEBHOOK_SECRET": self.stripe_webhook_secret,
            "LINK_SECRETS": self.link_secret,
            "SMTP_URL": self.smtp,
            "MAIL_FROM": MAIL_FROM,
            "PUBLIC_URL": self.api,
            "METRICS_ADDRESS": self.metrics,
            "WEBHOOK_PRIVATE_ADDRESSES": "on",  # who tries receivers runs them here
        }


def home() -> Path:
    """Return the folder of the stack: DRAWDOWN_HOME, or .drawdown in the current folder."""
    return Path(os.environ.get(HOME) or ".drawdown").resolve()


def write(folder: Path, state: State) -> Path:
    """Write the state for its owner's eyes; a reader sees all of it or none."""
    target, fresh = folder / FILE, folder / f"{FILE}.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(asdict(state), indent=2) + "\n")
    return fresh.replace(target)


def read(folder: Path) -> State:
    """Return the state that a stack has written; StackError when none is there to be read."""
    try:
        return State(**json.loads((folder / FILE).read_text()))
    except (FileNotFoundError, TypeError, ValueError) as error:  # no file, or of another version
        raise _not_running(folder) from error


def live(folder: Path) -> State:
    """Return the state of a running stack: processes alive, servers answering.

    StackError else: what a killed stack has written outlives it, and its ports may be others' now.
    """
    found = read(folder)
    servers = (found.database, found.stripe, found.api, f"//{found.temporal}")
    if all(map(is_alive, found.pids.values())) and all(map(_answers, servers)):
        return found
    raise _not_running(folder)


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.hostname and parts.port) and listens(parts.port or 0, parts.hostname or "")


def _not_running(folder: Path) -> StackError:
    message = f"no stack runs in {folder}: start one with `make up`, or set {HOME}"
    return StackError("not_running", message)


def clean_environment(environment: dict[str, str]) -> dict[str, str]:
    """Return the part of an environment that does not speak of another deployment."""
    return {name: text for name, text in environment.items() if not name.startswith(FOREIGN)}
