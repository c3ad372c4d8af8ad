"""Members' limits: half steps, holds, restrictions, raises, and many at once at a limit."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from domain.credits import format_credits
from domain.teams.approvals import Kind
from ledger import balances
from ledger.teams import members
from ledger.usage import debits, holds
from ledger.usage.debits import Demand
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    SubscribedWallet,
    a_subscribed_wallet,
    left,
    micro,
)
from tests.ledger.teams import (
    DAY,
    a_team,
    an_operation,
    approve,
    ask,
    free,
    put,
    use,
)
from tests.ledger.test_concurrency import at_once

HOUR = timedelta(hours=1)
FEBRUARY = (START, MONTH_END), (MONTH_END, MONTH_END.replace(month=3))


def test_m10_a_member_limit_has_half_steps(ledger):
    wallet = a_team(ledger, allowance=500, limit=200)
    assert use(ledger, wallet, "199.5").status == "debited"

    refused = use(ledger, wallet, 1)

    assert (refused.status, refused.missing_micro) == ("user_limit", micro("0.5"))
    assert use(ledger, wallet, "0.5").status == "debited"
    assert use(ledger, wallet, "0.5").status == "user_limit"
    assert left(ledger, wallet) == micro(300)


def test_a_limit_is_one_member_s_own(ledger):
    wallet = a_team(ledger, limit=10)
    use(ledger, wallet, 10)

    assert use(ledger, wallet, 1).status == "user_limit"
    assert use(ledger, wallet, 50, "grace").status == "debited"
    assert use(ledger, wallet, 1, "a stranger").status == "debited"


def test_a_limit_of_a_past_window_does_not_bind_in_the_next(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, windows=FEBRUARY)
    put(ledger, wallet, "ada", 10)
    use(ledger, wallet, 10)
    assert use(ledger, wallet, 1).status == "user_limit"

    assert use(ledger, wallet, 10, at=MONTH_END).status == "debited"
    assert use(ledger, wallet, 1, at=MONTH_END).status == "user_limit"


def test_a_limit_below_present_use_blocks_only_further_use(ledger):
    wallet = a_team(ledger, limit=50)
    use(ledger, wallet, 40, key="done")

    put(ledger, wallet, "ada", 10)

    assert use(ledger, wallet, 40, key="done").status == "repeated"
    assert use(ledger, wallet, "0.5").status == "user_limit"
    assert left(ledger, wallet) == micro(60)
    put(ledger, wallet, "ada", 41)
    assert use(ledger, wallet, 1).status == "debited"


def test_what_is_held_counts_towards_the_limit_and_what_is_released_does_not(ledger):
    wallet = a_team(ledger, limit=10)
    priced = an_operation(8, key="job")
    holds.hold(ledger, wallet.account_id, priced, NOON + DAY, NOON)
    assert use(ledger, wallet, 3).status == "user_limit"

    holds.capture(ledger, wallet.account_id, "job", micro(5), NOON)

    assert use(ledger, wallet, 5).status == "debited"
    assert use(ledger, wallet, "0.5").status == "user_limit"


def test_a_restricted_member_performs_free_actions_only(ledger):
    wallet = a_team(ledger, limit=50)

    put(ledger, wallet, "ada", 50, restricted=True)

    refused = use(ledger, wallet, "0.5")
    assert (refused.status, refused.missing_micro) == ("member_restricted", None)
    assert free(ledger, wallet).status == "debited"
    put(ledger, wallet, "ada", 50)
    assert use(ledger, wallet, 50).status == "debited"


def test_a_removed_member_uses_nothing_and_keeps_the_history(ledger):
    wallet = a_team(ledger, limit=50)
    use(ledger, wallet, 20)

    assert members.remove(ledger, wallet.account_id, "ada", ["credits"], NOON) == "removed"

    assert members.remove(ledger, wallet.account_id, "ada", ["credits"], NOON) == "member_removed"
    refused = use(ledger, wallet, 1)
    assert (refused.status, refused.missing_micro) == ("member_removed", None)
    assert free(ledger, wallet).status == "debited"
    assert [one.member_id for one in members.of_account(ledger, wallet.account_id)] == [
        "grace",
        "hedy",
    ]
    standing = members.standings(ledger, wallet.account_id, "credits", START, START)["ada"]
    assert (standing.period_micro, standing.left_micro) == (micro(20), 0)
    put(ledger, wallet, "ada", 50)
    assert use(ledger, wallet, 30).status == "debited"


def test_what_was_asked_before_a_removal_is_not_approved_after_it(ledger):
    wallet = a_team(ledger, limit=50)
    ask(ledger, wallet, 5, "more", kind=Kind.CREDITS)
    ask(ledger, wallet, 10, "job")

    members.remove(ledger, wallet.account_id, "ada", ["credits"], NOON)

    assert approve(ledger, wallet, "more") == "member_removed"
    assert approve(ledger, wallet, "job") == "member_removed"
    assert use(ledger, wallet, 1).status == "member_removed"
    members.remove(ledger, wallet.account_id, "grace", ["credits"], NOON)
    assert approve(ledger, wallet, "job", by="grace") == "member_removed"
    assert members.remove(ledger, wallet.account_id, "nobody", [], NOON) == "unknown_member"


def test_a_limit_says_since_when_it_is_set(ledger):
    wallet = a_team(ledger, limit=50)
    later, last = NOON + HOUR, NOON + 2 * HOUR

    def since():
        found = members.standings(ledger, wallet.account_id, "credits", START, START)
        return found["ada"].since if "ada" in found else None

    assert since() == NOON
    put(ledger, wallet, "ada", 50, at=later, name="Ada L.")
    assert since() == NOON  # the limit is what it was
    put(ledger, wallet, "ada", 60, at=later)
    assert since() == later
    members.remove(ledger, wallet.account_id, "ada", ["credits"], last)
    assert since() == last
    put(ledger, wallet, "ada", at=last)
    assert since() is None


def test_approved_credits_raise_the_limit_in_this_window_only(ledger):
    wallet = a_subscribed_wallet(ledger, allowance=100, windows=FEBRUARY)
    put(ledger, wallet, "ada", 10)
    put(ledger, wallet, "grace")
    use(ledger, wallet, 10)
    assert ask(ledger, wallet, 5, "more", kind=Kind.CREDITS) == "waiting"
    assert use(ledger, wallet, 1).status == "user_limit"

    assert approve(ledger, wallet, "more") == "approved"

    assert approve(ledger, wallet, "more") == "repeated"
    assert use(ledger, wallet, 5).status == "debited"
    assert use(ledger, wallet, "0.5").status == "user_limit"
    assert use(ledger, wallet, 10, at=MONTH_END).status == "debited"
    assert use(ledger, wallet, 1, at=MONTH_END).status == "user_limit"


def test_a_restriction_takes_back_what_was_added_to_the_limit(ledger):
    wallet = a_team(ledger, limit=10)
    ask(ledger, wallet, 5, "more", kind=Kind.CREDITS)
    approve(ledger, wallet, "more")

    put(ledger, wallet, "ada", 10, restricted=True)

    assert use(ledger, wallet, 1).status == "member_restricted"
    put(ledger, wallet, "ada", 10)
    assert use(ledger, wallet, 11).status == "user_limit"


def test_standings_say_what_each_member_took_and_may_take(ledger):
    wallet = a_team(ledger, limit=50)
    use(ledger, wallet, "19.5")
    holds.hold(ledger, wallet.account_id, an_operation(10, key="job"), NOON + DAY, NOON)
    use(ledger, wallet, 7, "grace")

    found = members.standings(ledger, wallet.account_id, "credits", START, START)

    ada, grace = found["ada"], found["grace"]
    assert (ada.window_micro, ada.period_micro) == (micro("29.5"), micro("19.5"))
    assert (ada.limit_micro, ada.left_micro) == (micro(50), micro("20.5"))
    assert (grace.window_micro, grace.limit_micro, grace.left_micro) == (micro(7), None, None)
    assert "hedy" not in found


def use_alone(engine, wallet, key):
    with engine.begin() as connection:
        return use(connection, wallet, 1, key=key).status


def test_many_at_a_member_limit_never_pass_it(engine):
    with engine.begin() as connection:
        wallet = a_team(connection, allowance=100, limit="7.5")

    statuses = at_once([partial(use_alone, engine, wallet, f"k{n}") for n in range(24)])

    assert sorted(statuses) == ["debited"] * 7 + ["user_limit"] * 17
    with engine.connect() as connection:
        assert left(connection, wallet) == micro(93)


HALVES = st.integers(1, 8).map(lambda halves: halves * 500_000)
STEP = st.sampled_from(("use", "hold", "capture", "release", "limit", "restrict"))


@dataclass
class Limited:
    """A model of a member's limit, in micro-credits, to compare with."""

    connection: Connection
    wallet: SubscribedWallet
    ceiling: int
    counted: int = 0
    open_holds: dict[str, int] = field(default_factory=dict)

    def take(self, step, amount, key):
        """Use or hold an amount: it is taken if it fits."""
        priced = an_operation(format_credits(amount), key=key)
        account = self.wallet.account_id
        if step == "use":
            status = debits.debit(self.connection, [Demand(account, priced)], NOON)[0].status
        else:
            status = holds.hold(self.connection, account, priced, NOON + DAY, NOON).status
        if self.counted + amount > self.ceiling:
            assert status == ("user_limit" if self.ceiling else "member_restricted")
            return
        assert status == ("debited" if step == "use" else "held")
        self.counted += amount
        if step == "hold":
            self.open_holds[key] = amount

    def give_back(self, step, amount):
        """End a hold: what it did not take counts no more."""
        if not self.open_holds:
            return
        key, on_hold = self.open_holds.popitem()
        taken = min(amount, on_hold) if step == "capture" else 0
        if step == "capture":
            holds.capture(self.connection, self.wallet.account_id, key, taken, NOON)
        else:
            holds.release(self.connection, self.wallet.account_id, key, NOON)
        self.counted -= on_hold - taken

    def change(self, step, amount):
        """Set another limit, or restrict."""
        restricted = step == "restrict"
        self.ceiling = 0 if restricted else amount
        limit = format_credits(amount)
        put(self.connection, self.wallet, "ada", limit, restricted=restricted)

    def check(self):
        """Compare with the ledger."""
        account = self.wallet.account_id
        found = members.standings(self.connection, account, "credits", START, START)["ada"]
        assert (found.window_micro, found.limit_micro) == (self.counted, self.ceiling)


@settings(max_examples=60)
@given(steps=st.lists(st.tuples(STEP, HALVES), max_size=25))
def test_a_limit_is_never_passed_whatever_is_held_captured_or_changed(session_engine, steps):
    with session_engine.connect() as connection:
        model = Limited(connection, a_team(connection, 10_000, limit=6), micro(6))
        for number, (step, amount) in enumerate(steps):
            if step in ("use", "hold"):
                model.take(step, amount, f"step-{number}")
            elif step in ("capture", "release"):
                model.give_back(step, amount)
            else:
                model.change(step, amount)
            model.check()
        assert balances.violations(connection) == []
        connection.rollback()
