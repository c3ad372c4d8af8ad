"""Members and their requests with usual values: a test names only what it is about."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from domain.teams.approvals import ApprovalRequest, Decision, Kind, State
from domain.teams.members import Member, Role, member_counter
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger.teams import approvals, members
from ledger.usage import debits, holds
from ledger.usage.debits import Demand
from tests.builders import NOON, a_subscribed_wallet, micro

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
TYPES = ["credits"]
ADMINS = ("grace", "hedy")
_numbers = count(1)


def a_member(member_id="ada", **facts):
    """Grace and Hedy are admins, all others are not."""
    role = Role.ADMIN if member_id in ADMINS else Role.MEMBER
    usual = Member(member_id, member_id.title(), f"{member_id}@example.com", role)
    return replace(usual, **facts)


def put(connection, wallet, member_id="ada", limit=None, at=NOON, **facts):
    """Make or change a member, limited to so many credits."""
    limits = () if limit is None else (("credits", micro(limit)),)
    member = a_member(member_id, limits=limits, **facts)
    members.put(connection, account_id=wallet.account_id, member=member, credit_types=TYPES, at=at)


def a_team(connection, allowance=100, limit=None):
    """Ada works, Grace and Hedy are admins."""
    wallet = a_subscribed_wallet(connection, allowance=allowance)
    put(connection, wallet, "ada", limit)
    for admin in ADMINS:
        put(connection, wallet, admin)
    return wallet


def an_operation(amount, member_id="ada", key=None, at=NOON, consent=None):
    """An event of a member that costs `amount` credits and moves the member's counter.

    With a consent, which is given, it is planned with care.
    """
    event = UsageEvent(
        key=key or f"operation-{next(_numbers)}",
        action="lookup",
        quantity_micro=micro(amount),
        event_at=at,
        tags=(("member", member_id),),
    )
    way = PricedWay("credits", 1, 1, consent=consent)
    terms = Terms(
        (Attempt("lookup", (way,)),),
        (member_counter(member_id),),
        at_zero="block",
        confirmed=consent is not None,
    )
    return PricedEvent(event, "credits", micro(amount), terms)


def use(connection, wallet, amount, member_id="ada", key=None, at=NOON, **facts):
    """Debit an operation of a member."""
    demand = Demand(wallet.account_id, an_operation(amount, member_id, key, at, **facts))
    return debits.debit(connection, [demand], at)[0]


def free(connection, wallet, member_id="ada", at=NOON):
    """Perform a free action of a member."""
    event = UsageEvent(
        key=f"free-{next(_numbers)}",
        action="send",
        quantity_micro=micro(1),
        event_at=at,
        tags=(("member", member_id),),
    )
    terms = Terms((Attempt("send", ()),), (member_counter(member_id),))
    demand = Demand(wallet.account_id, PricedEvent(event, "credits", 0, terms))
    return debits.debit(connection, [demand], at)[0]


def a_wish(amount=80, key=None, member_id="ada", kind=Kind.OPERATION, at=NOON):
    """A request of a member for an operation, or for credits above the limit."""
    priced = an_operation(amount, member_id, key, at)
    return ApprovalRequest(
        priced.event.key,
        kind,
        member_id,
        event=priced.event if kind is Kind.OPERATION else None,
        credit_type="credits",
        amount_micro=micro(amount),
    )


def ask(connection, wallet, amount=80, key=None, *, kind=Kind.OPERATION, member_id="ada", at=NOON):
    """Ask for it; return its status."""
    wish = a_wish(amount=amount, key=key, member_id=member_id, kind=kind, at=at)
    return approvals.ask(
        connection,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        wish=wish,
        waits=WEEK,
        at=at,
    )


def approve(connection, wallet, key, by="grace", at=NOON):
    """Approve as the activity does: look, hold an operation, settle; return what it came to."""
    decision = Decision(by, State.APPROVED)
    answer = approvals.may_decide(
        connection, account_id=wallet.account_id, key=key, decision=decision, at=at
    )
    if answer != "decidable":
        return answer
    kept = approvals.named(connection, wallet.subscription_id, key)
    if kept.wish.event is not None:
        amount = kept.wish.amount_micro
        terms = an_operation(1, kept.wish.member_id).terms
        priced = PricedEvent(kept.wish.event, "credits", amount, terms)
        held = holds.hold(
            connection, account_id=wallet.account_id, priced=priced, lapses_at=at + DAY, at=at
        )
        if held.status not in ("held", "repeated"):
            return held.status
    return approvals.settle(
        connection, account_id=wallet.account_id, key=key, decision=decision, at=at
    )


def refuse(connection, wallet, key, by="grace", at=NOON):
    """Refuse a request."""
    decision = Decision(by, State.REFUSED, "not now")
    return approvals.settle(
        connection, account_id=wallet.account_id, key=key, decision=decision, at=at
    )


def state(connection, wallet, key):
    """Return where a request stands."""
    return approvals.named(connection, wallet.subscription_id, key).state
