"""The relay of webhooks: publishes events and sends them, many endpoints side by side.

No transaction is open while a request runs. Neither bodies nor secrets nor answers are logged.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.notifications.outbox import Shift, work
from activities.uninterrupted import uninterrupted
from domain.mails.codec import envelope_to_json
from domain.mails.envelope import Envelope
from domain.mails.facts import Reader
from domain.mails.notices import EndpointOff
from domain.webhooks.attempts import GIVE_UP_AFTER, MOST_REST, next_gap
from domain.webhooks.requests import body, headers
from gateways.webhooks.sending import Answer, Sender
from ledger.notifications import outbox, webhook_deliveries, webhook_events
from ledger.notifications.webhook_deliveries import Claim, Recipient

PER_ENDPOINT = 4  # requests at once; to one that fails, one
AT_ONCE = 64  # in all: enough threads that slow endpoints leave some for the others
Clock = Callable[[], datetime]


class WebhookRelay:
    """Tells the seller's systems what happened. `clock` gives real time, in which they live."""

    def __init__(self, context: BillingContext, sender: Sender, clock: Clock) -> None:
        self._context = context
        self._sender = sender
        self._clock = clock

    @uninterrupted(name="relay_webhooks")
    def relay(self, shift: Shift) -> int:
        """Deliver for one shift; return how many requests were made."""
        with ThreadPoolExecutor(AT_ONCE, "webhooks-") as pool:
            rounds = Round(self, pool)
            return work(shift, rounds.go, rounds.waits)

    def waits(self) -> bool:
        """Return whether there may be something to publish or to send."""
        return self._context.waits("webhook")

    def claimed(self, running: Counter[str]) -> list[tuple[Recipient, Claim]]:
        """Publish what is new and claim what is due, beside the requests that run."""
        now, found = self._clock(), list[tuple[Recipient, Claim]]()
        with self._context.engine.begin() as connection:
            webhook_events.publish(connection, now)
        with self._context.engine.begin() as connection:
            room = AT_ONCE - running.total()
            for one in webhook_deliveries.recipients(connection, now):
                most = 1 if one.is_failing else PER_ENDPOINT
                free = min(most - running[one.endpoint_id], room - len(found))
                if free > 0:
                    claims = webhook_deliveries.claim(connection, one.endpoint_id, now, free)
                    found += [(one, claim) for claim in claims]
        return found

    def send(self, to: Recipient, claim: Claim) -> None:
        """Make one attempt and note what became of it."""
        sent = body(claim.event_id, claim.payload)
        at = self._clock()
        signed = headers(claim.event_id, sent, to.secrets, at)
        self._note(to, claim, self._sender.send(to.url, signed, sent, at))

    def _note(self, to: Recipient, claim: Claim, answer: Answer) -> None:
        at = self._clock()
        with self._context.engine.begin() as connection:
            if answer.is_accepted and answer.status is not None:
                webhook_deliveries.note_delivered(connection, claim, answer.status, at)
                return
            name = f"{claim.event_id}:{claim.endpoint_id}"
            since = webhook_deliveries.note_failed(
                connection,
                claim,
                status=answer.status,
                failure=answer.failure,
                gap=next_gap(claim.attempts + 1, name, answer.retry_after),
                at=at,
            )
            if answer.retry_after is not None:
                until = at + min(answer.retry_after, MOST_REST)
                webhook_deliveries.rest(connection, claim.endpoint_id, until)
            if answer.is_gone or at - since >= GIVE_UP_AFTER:
                because = "gone" if answer.is_gone else "failing"
                self._give_up(connection, to, claim, because=because, at=at)

    def _give_up(
        self, connection: Connection, to: Recipient, claim: Claim, *, because: str, at: datetime
    ) -> None:
        if not webhook_deliveries.give_up_on(connection, to.endpoint_id, at, because):
            return
        # No account is the endpoint's: the mail is a row of the one whose delivery was the last.
        key = f"webhooks:{to.endpoint_id}:off:{at.isoformat()}"
        mail = EndpointOff(
            reader=Reader(
                customer_name=to.owner_email,
                plan_name="",
                product_name="Drawdown",
                locale="en_US",
                time_zone="UTC",
                action_url=self._context.public_url,
            ),
            endpoint_id=to.endpoint_id,
            is_gone=because == "gone",
            off_at=at,
            days=GIVE_UP_AFTER // timedelta(days=1),
        )
        envelope = Envelope(to=to.owner_email, mail=mail, message_key=key)
        outbox.put(
            connection,
            account_id=claim.account_id,
            message_key=key,
            topic="mail",
            payload=envelope_to_json(envelope),
        )


class Round:
    """One look after another, with the requests that are under way."""

    def __init__(self, relay: WebhookRelay, pool: ThreadPoolExecutor) -> None:
        self._relay = relay
        self._pool = pool
        self._running: dict[Future[None], str] = {}

    def waits(self) -> bool:
        """Return whether a look may find something: a request that ran may have ended."""
        return bool(self._running) or self._relay.waits()

    def go(self) -> int:
        """Start what is due; return how many requests ended or began. Raises what a note raised."""
        ended = [one for one in self._running if one.done()]
        for one in ended:
            del self._running[one]
            one.result()
        for to, claim in self._relay.claimed(Counter(self._running.values())):
            self._running[self._pool.submit(self._relay.send, to, claim)] = to.endpoint_id
            ended.append(next(reversed(self._running)))
        return len(ended)
