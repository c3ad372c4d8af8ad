"""Log lines of our processes: as text, or one JSON object a line, with the request they belong to.

Our modules log through the standard library; only entry points call `configure`. Facts are ids and
nothing else: no line names a person, quotes a payload or carries a secret (decision record 0054).
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from domain.tracing import causes
from gateways.telemetry import tracing

FORMATS = ("text", "json")
TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
FACTS = ("customer", "subscription")  # what a line may carry as `extra`
OF_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access")  # they bring handlers of their own


class JsonLines(logging.Formatter):
    """One object a line; a traceback is a member of it, so that no line is part of another."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON; members without a value are left out."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request": causes.request_id(),
            "trace": tracing.trace_id(),
            **_of_activity(),
            **{name: getattr(record, name, None) for name in FACTS},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in told.items() if value is not None})


def configure(log_format: str) -> None:
    """Send the lines of this process to standard error; `log_format` is one of `FORMATS`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=log_format == "json")
    logging.getLogger("temporalio.worker").setLevel(logging.INFO)  # below: whole payloads
    if log_format == "json":
        for name in OF_SERVERS:
            server = logging.getLogger(name)
            server.handlers.clear()
            server.propagate = True


def _of_activity() -> dict[str, Any]:
    """Return which workflow's activity logs; workflows' own lines name theirs in their message."""
    if not activity.in_activity():
        return {}
    info = activity.info()
    return {"workflow": info.workflow_id, "activity": info.activity_type, "attempt": info.attempt}
