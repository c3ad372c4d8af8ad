"""What happened to a customer, in the words of the timeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.credits import MICRO
from domain.messages.fields import OWN_KEYS
from domain.payments.charges import ChargeKind
from gateways.letter_formats import Formats
from ledger.reads.timeline import Event

MINUS = "\N{MINUS SIGN}"
SOURCES = {
    "allowance": "Included in the plan",
    "trial": "Trial",
    "rollover": "Carried over",
    "manual_purchase": "Bought by hand",
    "auto_purchase": "Auto-purchase",
    "pack": "Pack",
    "bonus": "Bonus",
    "adjustment": "Given by an operator",
    "overdraft": "Used on credit",
}
CHARGES = {
    "period": "Plan",
    "upgrade": "Upgrade",
    "manual_purchase": "Credits bought by hand",
    "auto_purchase": "Auto-purchase",
    "pack": "Pack",
    "import": "Paid elsewhere, imported",
}
ENTRIES = {
    "expiry": "Unused credits expired",
    "adjustment": "Credits taken by an operator",
    "void": "Credits taken back",
    "correction": "Usage corrected",
    "rollover": "Credits moved into the next window",
    "refund": "Credits taken back with a refund",
    "chargeback": "Credits of a failed or disputed payment",
    "debt": "Used credits became a debt",
    "reopen": "Reopened for late usage",
    "repayment": "A debt repaid",
}
ACTS = {
    "adjust": "Adjustment proposed",
    "retry": "Declined charges tried again",
    "bonus": "Bonus",
    "end": "Subscription ended",
    "uncancel": "End taken back",
    "move": "Moved to another time zone",
}
TONES = {
    **dict.fromkeys(("paid", "made", "won", "done", "approved", "ended"), "good"),
    **dict.fromkeys(("open", "processing", "asked", "pending", "waiting", "scheduled"), "warn"),
    **dict.fromkeys(("failed", "lost", "refused", "declined"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An event for the page: a tag, what it was, amounts, and lines about who and why."""

    tag: str
    title: str
    at: datetime
    tone: str = ""
    state: str = ""
    amounts: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    charge: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """How credits, money and instants are written; `units` are the price list's names of types."""

    show: Formats
    units: Mapping[str, str]

    def credits(self, micro: int, credit_type: str) -> str:
        """Return micro-credits with their unit's name."""
        return f"{self.show.number(micro)} {self.unit(credit_type)}"

    def unit(self, credit_type: str) -> str:
        """Return what a credit type is called."""
        return self.units.get(credit_type, credit_type.replace("_", " "))

    def change(self, micro: int, credit_type: str) -> str:
        """Return micro-credits that came or went, with their sign."""
        sign = "+" if micro > 0 else MINUS if micro < 0 else ""
        return sign + self.credits(abs(micro), credit_type)

    def number(self, micro: int) -> str:
        """Return micro-credits as a number."""
        return self.show.number(micro)

    def money(self, minor: int, currency: str) -> str:
        """Return minor units as money."""
        return self.show.money(minor, currency)

    def moment(self, at: datetime | str) -> str:
        """Return the day and time of an instant."""
        return self.show.moment(datetime.fromisoformat(at) if isinstance(at, str) else at)

    def day(self, at: datetime | str) -> str:
        """Return the day of an instant."""
        return self.show.day(datetime.fromisoformat(at) if isinstance(at, str) else at)

    def source(self, source: str | None) -> str:
        """Return where credits came from."""
        return SOURCES.get(source or "", plain(source or "credits").capitalize())


def plain(name: str) -> str:
    """Return a name of ours as words."""
    return name.replace("_", " ").replace(".", " ")


def told(event: Event, words: Words) -> Told:
    """Return an event as people read it."""
    tell = _TELL.get(event.kind, _entry)
    return tell(event, words)


def _usage(event: Event, words: Words) -> Told:
    what = "1 event" if event.count == 1 else f"{words.number(event.count * MICRO)} events"
    title = f"Used in {what}" if event.count else "Credits held or released"
    lines: tuple[str, ...] = ()
    if event.since is not None and f"{event.since:%H:%M}" != f"{event.at:%H:%M}":
        lines = (f"from {event.since:%H:%M} to {event.at:%H:%M}",)
    return Told("Usage", title, event.at, amounts=_changes(event, words), lines=lines)


def _grant(event: Event, words: Words) -> Told:
    return _moved("Credits", words.source(event.facts.get("source")), event, words)


def _entry(event: Event, words: Words) -> Told:
    return _moved("Credits", ENTRIES.get(event.kind, plain(event.kind)), event, words)


def _moved(tag: str, title: str, event: Event, words: Words) -> Told:
    facts = event.facts
    # The ledger's own keys say nothing that the charge or the title does not.
    own = str(facts.get("key", "")).startswith(OWN_KEYS)
    more = {"event": "of the event {}"} | ({} if own else {"key": "key {}"})
    return Told(
        tag,
        title,
        event.at,
        amounts=_changes(event, words),
        lines=_lines(facts, **more),
        charge=facts.get("charge"),
    )


def _charge(event: Event, words: Words) -> Told:
    facts = event.facts
    lines = []
    if facts.get("settled_at"):
        lines.append(f"settled {words.moment(facts['settled_at'])}")
    if facts.get("declines"):
        lines.append(f"declined {facts['declines']} times: {plain(facts.get('code', 'unknown'))}")
    return Told(
        "Charge",
        CHARGES.get(facts["what"], plain(facts["what"])),
        event.at,
        amounts=(words.money(facts["minor"], facts["currency"]),),
        lines=tuple(lines),
        charge=facts["charge"],
        **_standing(facts),
    )


def _money(tag: str, title: str, imported: str = "") -> Callable[[Event, Words], Told]:
    def tell(event: Event, words: Words) -> Told:
        facts = event.facts
        amount = words.money(facts["minor"], facts["currency"])
        return Told(
            tag,
            imported if facts.get("of") == ChargeKind.IMPORT else title,
            event.at,
            amounts=(f"{MINUS}{amount}",),
            lines=_lines(facts),
            charge=facts["charge"],
            **_standing(facts),
        )

    return tell


def _mail(event: Event, words: Words) -> Told:
    facts = event.facts
    went = facts.get("delivered_at")
    state = "refused" if facts.get("refused") else "sent" if went else "waiting"
    why = (f"{facts['refused']}",) if facts.get("refused") else ()
    delivered = (f"sent {words.moment(went)}",) if went and not why else ()
    lines = (f"to {facts.get('to', 'nobody')}", *delivered, *why)
    title = plain(facts.get("what", "mail")).capitalize()
    return Told("Mail", title, event.at, tone=TONES.get(state, ""), state=state, lines=lines)


def _webhook(event: Event, _: Words) -> Told:
    sent = event.facts.get("deliveries") or {}
    lines = tuple(f"{state}: {amount}" for state, amount in sorted(sent.items()))
    state = "failed" if sent.get("failed") else "waiting" if sent.get("waiting") else ""
    nobody = ("no endpoint asked for it",)
    return Told(
        "Webhook",
        event.facts["what"],
        event.at,
        tone=TONES.get(state, ""),
        state=state,
        lines=lines or nobody,
    )


def _pause(event: Event, _: Words) -> Told:
    facts = event.facts
    title = "Paused" if facts["paused"] else "Resumed"
    cause = {"by_operator": "by an operator"}.get(facts["what"], plain(facts["what"]))
    tone = "bad" if facts["paused"] else "good"
    return Told("Pause", f"{title}: {cause}", event.at, tone, lines=_lines(facts))


def _request(event: Event, _: Words) -> Told:
    facts = event.facts
    title = plain(facts["what"]).capitalize()
    lines = _lines({"reason": facts.get("reason")}, key="key {}")
    return Told("Request", title, event.at, lines=lines, **_standing(facts))


def _subscribed(event: Event, _: Words) -> Told:
    facts = event.facts
    title = f"Subscription began: {facts.get('what', '')}"
    return Told("Plan", title, event.at, lines=(facts["subscription"],))


def _member(title: str) -> Callable[[Event, Words], Told]:
    def tell(event: Event, _: Words) -> Told:
        facts = event.facts
        who = f"{facts['name']} ({facts['member']})"
        return Told(
            "Team", f"{title}: {who}", event.at, lines=tuple(filter(None, [facts.get("what")]))
        )

    return tell


def _asked(event: Event, words: Words) -> Told:
    facts = event.facts
    title = f"{facts['member']} asked for {words.credits(facts['micro'], facts['type'])}"
    return Told("Approval", title, event.at, lines=_lines(facts))


def _decided(event: Event, words: Words) -> Told:
    facts = event.facts
    title = f"Request of {facts['member']}: {words.credits(facts['micro'], facts['type'])}"
    return Told("Approval", title, event.at, lines=_lines(facts), **_standing(facts))


def _act(event: Event, _: Words) -> Told:
    facts = event.facts
    wanted = ", ".join(plain(str(each)) for each in facts["content"].values())
    title = f"{ACTS[facts['what']]}{': ' if wanted else ''}{wanted}"
    lines = _lines(facts, decided_by="decided by {}")
    return Told("Operator", title, event.at, lines=lines, **_standing(facts))


def _notice(event: Event, _: Words) -> Told:
    read = ("read",) if event.facts.get("read_at") else ()
    return Told("Notice", plain(event.facts["what"]).capitalize(), event.at, lines=read)


def _refusal(event: Event, _: Words) -> Told:
    title = f"Reported usage refused: {plain(event.facts['what'])}"
    return Told("Usage", title, event.at, "bad", lines=_lines(event.facts, key="key {}"))


def _changes(event: Event, words: Words) -> tuple[str, ...]:
    return tuple(words.change(micro, kind) for kind, micro in event.amounts)


def _standing(facts: Mapping[str, Any]) -> dict[str, Any]:
    state = facts.get("state") or ""
    return {"state": plain(state), "tone": TONES.get(state, "")}


def _lines(facts: Mapping[str, Any], **more: str) -> tuple[str, ...]:
    """Return who did it, who approved it and why, as far as it was kept."""
    known = {"reason": "“{}”", "by": "by {}", "approved_by": "approved by {}", **more}
    return tuple(
        form.format(facts[name]) for name, form in known.items() if facts.get(name) is not None
    )


_TELL: dict[str, Callable[[Event, Words], Told]] = {
    "usage": _usage,
    "grant": _grant,
    "charge": _charge,
    "money_back": _money("Refund", "Money sent back", imported="To be paid back where it was paid"),
    "dispute": _money("Dispute", "Disputed by the bank"),
    "mail": _mail,
    "webhook": _webhook,
    "pause": _pause,
    "request": _request,
    "subscribed": _subscribed,
    "member_added": _member("Member added"),
    "member_removed": _member("Member removed"),
    "asked": _asked,
    "decided": _decided,
    "act": _act,
    "notice": _notice,
    "refusal": _refusal,
}
