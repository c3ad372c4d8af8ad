"""What uvicorn's log of requests may say: the address of a page without what opens it."""

import logging
import re

LOGGER = "uvicorn.access"
HIDDEN = "…"
# Whoever holds a mailed link can replace a card or approve, so its token is a secret.
_OF_PATHS = re.compile(
    r"^(/(?:account|billing|invoices)/.+/|/(?:console/open|prompts|invite|embed)/)[^/?]+"
)
_OF_QUERIES = re.compile(r"([?&](?:token|code|state)=)[^&]*")


class WithoutTokens(logging.Filter):
    """Takes the tokens of mailed links out of the log of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace tokens in what a record tells; keep every record."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_tokens(one) if isinstance(one, str) else one for one in record.args
            )
        return True


def without_tokens(path: str) -> str:
    """Return a path and query without the token of a mailed link, or a sign-in's code."""
    return _OF_QUERIES.sub(rf"\1{HIDDEN}", _OF_PATHS.sub(rf"\1{HIDDEN}", path))


def install() -> None:
    """Let the log of requests tell no tokens, however often this is called."""
    log = logging.getLogger(LOGGER)
    if not any(isinstance(one, WithoutTokens) for one in log.filters):
        log.addFilter(WithoutTokens())
