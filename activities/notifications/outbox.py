"""The outbox's relays: they deliver rows written with their cause, at least once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from temporalio import activity

from activities.context import BillingContext
from activities.signals import SignalsSubscriptions
from activities.uninterrupted import uninterrupted
from domain.errors import BillingError
from domain.mails.codec import envelope_from_json
from gateways.letters import render
from gateways.mail import Mailer
from ledger import subscriptions
from ledger.notifications import outbox
from ledger.notifications.outbox import Message

BATCH = 50
PAUSE_SECONDS = 0.15  # with what was seen a moment ago: a third of a second at most
BEAT_SECONDS = 1
# Whoever causes a crossing acts on it at once; the relay steps in only after a crash.
CROSSING_GRACE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Shift:
    """How long one run of a relay lasts before its workflow starts the next one."""

    seconds: int


class MailRelay:
    """Sends the mails in the outbox."""

    def __init__(self, context: BillingContext, mailer: Mailer) -> None:
        self._context = context
        self._mailer = mailer

    @uninterrupted(name="relay_mails")
    def relay(self, shift: Shift) -> int:
        """Send for one shift; return how many. A retry sends what is still undelivered."""
        return work(shift, self._send_some, partial(self._context.waits, "mail"))

    def _send_some(self) -> int:
        with self._context.engine.begin() as connection:
            messages = outbox.waiting(connection, "mail", grace_seconds=0, limit=1)
            for message in messages:
                outbox.delivered(connection, message, refused=self._send(message))
        return len(messages)

    def _send(self, message: Message) -> str | None:
        """Send one mail; return why it can never be sent, or None."""
        try:
            envelope = envelope_from_json(message.payload)
            letter = render(envelope.mail)
            message_id = envelope.message_id(self._mailer.domain)
            self._mailer.send(letter, to=envelope.to, message_id=message_id)
        except BillingError as error:
            return f"{error.reason}: {error}"
        return None


class CrossingRelay(SignalsSubscriptions):
    """Tells workflows that a debit made elsewhere emptied their wallet."""

    @uninterrupted(name="relay_crossings")
    def relay(self, shift: Shift) -> int:
        """Deliver for one shift; return how many."""
        return work(shift, self._tell_some, partial(self._context.waits, "crossing"))

    def _tell_some(self) -> int:
        with self._context.engine.begin() as connection:
            messages = outbox.waiting(
                connection, "crossing", grace_seconds=CROSSING_GRACE_SECONDS, limit=BATCH
            )
            for message in messages:
                live = subscriptions.live_of_account(connection, message.account_id)
                told = message.payload
                refused = self._tell(live, "balance_crossed", told) if live else "no_subscription"
                outbox.delivered(connection, message, refused=refused)
        return len(messages)


def work(shift: Shift, deliver: Callable[[], int], waits: Callable[[], bool]) -> int:
    """Deliver until the shift ends or the worker stops; what is left stays in the outbox.

    While `waits` says that there is nothing, nothing is looked for.
    """
    count = 0
    now = beat = time.monotonic()
    ends = now + shift.seconds
    while now < ends and not (activity.is_worker_shutdown() or activity.is_cancelled()):
        if now >= beat:  # not at each look: a heartbeat costs more than a look at nothing
            activity.heartbeat(count)
            beat = now + BEAT_SECONDS
        delivered = deliver() if waits() else 0
        count += delivered
        if not delivered:
            time.sleep(PAUSE_SECONDS)
        now = time.monotonic()
    return count
