"""Who watches wallets is told of debits after their commit, many in one notice.

Inside a debit's transaction a notice would halve the rate; and one for each debit would be as many
transactions again. So a process collects which wallets have changed and tells of them together.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ledger.direct.wakeups import SPENT

log = logging.getLogger(__name__)

GAP_SECONDS = 0.05  # between two notices of a process
IDLE_GAPS = 40  # after which the thread ends; the next change begins another
LARGEST = 7_900  # bytes of a notice; PostgreSQL takes less than 8,000
TELL = text(f"SELECT pg_notify('{SPENT}', :accounts)")


class Teller:
    """Tells of changed wallets from a thread of its own, which is there while there is news.

    Never raises and never waits: whoever watches looks again by itself when a notice is lost.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._changed: set[int] = set()
        self._running = False

    def tell(self, accounts: Iterable[int]) -> None:
        """Tell soon that these accounts' wallets have changed; call it after the commit."""
        with self._lock:
            self._changed.update(accounts)
            if self._running or not self._changed:
                return
            self._running = True
        threading.Thread(target=self._run, name="teller", daemon=True).start()

    def _run(self) -> None:
        idle = 0
        while True:
            with self._lock:
                changed, self._changed = self._changed, set()
                idle = 0 if changed else idle + 1
                if idle > IDLE_GAPS:
                    self._running = False
                    return
            if changed:
                self._send(changed)
            time.sleep(GAP_SECONDS)

    def _send(self, changed: set[int]) -> None:
        try:
            with self._engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"  # one round trip, no transaction around it
            ) as connection:
                for accounts in notices(changed):
                    connection.execute(TELL, {"accounts": accounts})
        except SQLAlchemyError as error:
            log.warning("nobody was told of %d changed wallets: %s", len(changed), error)


def notices(accounts: Iterable[int]) -> Iterator[str]:
    """Yield accounts as texts that fit into a notice: `12,45`."""
    part: list[str] = []
    size = 0
    for account in map(str, sorted(accounts)):
        if size + len(account) + 1 > LARGEST:
            yield ",".join(part)
            part, size = [], 0
        part.append(account)
        size += len(account) + 1
    if part:
        yield ",".join(part)
