"""Laws of members and their requests, each checked in a few calls on any database."""

from dataclasses import replace

from domain.teams.approvals import Kind, State
from domain.teams.members import Role
from domain.usage import EVERY_TIME
from ledger import balances, grants
from ledger.teams import approvals, members
from ledger.usage import holds
from tests.builders import (
    NOON,
    a_grant,
    a_subscribed_wallet,
    auto_purchase_on,
    micro,
    pay_auto,
    reserve_auto,
    set_policy,
)
from tests.ledger.teams import WEEK, a_team, an_operation, approve, ask, put, refuse, state, use
from tests.ledger.undone import undone


def a_member_keeps_to_the_limit_as_it_is_now(engine, _):
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=100, limit=10)
        assert use(connection, wallet, 10).status == "debited"
        assert use(connection, wallet, "0.5").status == "user_limit"
        ask(connection, wallet, 5, "more", kind=Kind.CREDITS)
        assert approve(connection, wallet, "more") == "approved"
        assert use(connection, wallet, 3, consent=EVERY_TIME).status == "debited"
        assert use(connection, wallet, 2).status == "debited"
        assert use(connection, wallet, "0.5").status == "user_limit"
        put(connection, wallet, "ada", 40, restricted=True)
        assert use(connection, wallet, 1).status == "member_restricted"
        put(connection, wallet, "ada", 16)
        assert use(connection, wallet, 2).status == "user_limit"
        assert use(connection, wallet, 1).status == "debited"
        assert balances.violations(connection) == []


def a_removed_member_is_told_so_and_cannot_be_raised(engine, _):
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=100, limit=10)
        ask(connection, wallet, 5, "more", kind=Kind.CREDITS)
        members.remove(
            connection,
            account_id=wallet.account_id,
            member_id="ada",
            credit_types=["credits"],
            at=NOON,
        )
        assert approve(connection, wallet, "more") == "member_removed"
        assert use(connection, wallet, 1).status == "member_removed"
        assert balances.violations(connection) == []


def a_request_has_one_end_by_another_admin_in_time(engine, _):
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=500)
        put(connection, wallet, "bob")
        ask(connection, wallet, 80, "job")
        ask(connection, wallet, 80, "own", member_id="grace")
        assert refuse(connection, wallet, "own") == "own_request"
        assert refuse(connection, wallet, "job", by="bob") == "not_an_admin"
        assert ask(connection, wallet, 81, "job") == "idempotency_conflict"
        assert approve(connection, wallet, "job") == "approved"
        assert refuse(connection, wallet, "job", by="hedy") == "already_decided"
        assert state(connection, wallet, "job") is State.APPROVED
        put(connection, wallet, "hedy", role=Role.MEMBER)
        assert refuse(connection, wallet, "own", by="hedy") == "not_an_admin"
        assert balances.violations(connection) == []


def a_request_lapses_at_its_instant(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=100)
        for member in ("ada", "grace"):
            put(connection, wallet, member)
        ask(connection, wallet, 80, "job")
        lapse = NOON + WEEK
        before = lapse - lapse.resolution
        assert approvals.lapse(connection, wallet.account_id, "job", before) is State.WAITING
        assert refuse(connection, wallet, "job", at=lapse) == "approval_lapsed"
        assert approvals.lapse(connection, wallet.account_id, "job", lapse) is State.LAPSED
        assert use(connection, wallet, 100, at=lapse).available_micro == micro(0)


def an_approved_operation_that_is_short_is_bought_for_while_it_waits(engine, _):
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=100)
        set_policy(connection, wallet, **auto_purchase_on())
        for key in ("job", "other"):
            ask(connection, wallet, 80, key)
            approvals.need(
                connection, account_id=wallet.account_id, key=key, needed_micro=micro(180), at=NOON
            )
        refuse(connection, wallet, "other")
        assert (
            reserve_auto(connection, wallet=wallet, charge_id="a", needed=0, at=NOON + WEEK).status
            == "not_needed"
        )
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=100)
        set_policy(connection, wallet, **auto_purchase_on())
        ask(connection, wallet, 80, "job")
        assert reserve_auto(connection, wallet, "a", 0).status == "not_needed"
        approvals.need(
            connection, account_id=wallet.account_id, key="job", needed_micro=micro(180), at=NOON
        )
        assert reserve_auto(connection, wallet, "a", 0).status == "reserved"


def credits_for_other_actions_stop_no_purchase_for_an_approval(engine, _):
    """What an approved operation needs in all counts what only others may use, as buying does."""
    with undone(engine) as connection:
        wallet = a_team(connection, allowance=3)
        set_policy(connection, wallet, **auto_purchase_on())
        grants.give(connection, wallet.account_id, a_grant(scope=("other",)), NOON)
        ask(connection, wallet, 80, "job")
        short = approved(connection, wallet, 80)
        assert (short.status, short.missing_micro) == ("purchase_needed", micro(77))
        approvals.need(
            connection,
            account_id=wallet.account_id,
            key="job",
            needed_micro=short.missing_micro + short.available_micro,
            at=NOON,
        )
        reserved = reserve_auto(connection, wallet, "a", 0)
        assert (reserved.status, reserved.quantity_micro) == ("reserved", micro(10_000))
        pay_auto(connection, wallet, reserved)
        assert reserve_auto(connection, wallet, "again", 0).status == "not_needed"
        assert approved(connection, wallet, 80).status == "held"


def approved(connection, wallet, amount):
    """Hold what an admin approved, as the switch of auto-purchase decides."""
    priced = an_operation(amount, key="job")
    terms = replace(priced.terms, at_zero="purchase", confirmed=True)
    priced = replace(priced, terms=terms)
    return holds.hold(connection, wallet.account_id, priced, lapses_at=NOON + WEEK, at=NOON)


TEAM_LAWS = (
    credits_for_other_actions_stop_no_purchase_for_an_approval,
    a_removed_member_is_told_so_and_cannot_be_raised,
    an_approved_operation_that_is_short_is_bought_for_while_it_waits,
    a_member_keeps_to_the_limit_as_it_is_now,
    a_request_has_one_end_by_another_admin_in_time,
    a_request_lapses_at_its_instant,
)

TEAM_FAULTS = (
    (
        "nobody buys for an approval",
        "reserve_auto_purchase",
        r"greatest\(p_needed, needed_by[^;]*",
        "p_needed",
    ),
    ("a lapsed request buys", "needed_by_approvals", r"AND a\.lapses_at > p_at", ""),
    (
        "a removal is called a limit",
        "plan_counters",
        r"reason := c\.refusal",
        "reason := 'user_limit'",
    ),
    ("a removed member is raised", "settle_approval", r"member_refusal\([^)]*\)", "NULL"),
    ("a raise is not counted", "plan_counters", r"raise_counter\(n\.name", "raise_counter('x'"),
    ("a restriction binds nobody", "limit_member", r"WHEN p_ceilings IS NULL", "WHEN false"),
    ("a restriction leaves the raise", "limit_member", r"SET value = 0", "SET value = value"),
    ("members decide on their own", "may_decide", r"IF p_by = a\.member_id", "IF false"),
    ("everybody is an admin", "may_decide", r"AND role = 'admin'", ""),
    ("a second word is taken", "may_decide", r"IF state <> 'waiting'", "IF false"),
    ("a request lapses late", "lapse_approval", r"lapses_at <= w\.", "lapses_at < w."),
    ("a request lapses early", "lapse_approval", r"AND lapses_at <= w\.decided_at", ""),
    (
        "requests are not compared",
        "ask_approval",
        r"ELSE 'idempotency_conflict' END",
        "ELSE 'repeated' END",
    ),
)
