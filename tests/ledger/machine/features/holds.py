"""Credits set aside for jobs: captured, released, extended, or forgotten until they lapse."""

from dataclasses import replace
from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.features.debits import use
from tests.ledger.machine.history import ACTIONS, HOUR, TYPES, History
from tests.ledger.machine.model.holds import capture, extend, hold, lapse, release
from tests.ledger.machine.model.purchases import CREDIT
from tests.ledger.machine.model.wallet import Ask
from tests.ledger.machine.real import Use

UNKNOWN = "never-held"
with_hold = precondition(lambda self: self.model.holds)


def hold_for(history: History, quantity: int, hours: int) -> str:
    """Hold at most what there is, so that more holds succeed than chance would let."""
    history.serve_again()
    free = history.model.available("credits", "email") // CREDIT
    quantity, until = max(min(quantity, free), 1), history.clock + hours * HOUR
    asked = Ask(
        key=history.new_key(),
        action="email",
        quantity=quantity,
        event_at=history.clock,
        credit_type="credits",
        rate=CREDIT,
        until=until,
    )
    history.saw(f"hold {history.ask(hold, asked=asked)[0]}")
    return asked.key


def finish(history: History, data, key: str) -> None:
    """Do something about a hold, or wait until one lapses."""
    ways = ["capture", "capture", "release", "extend", "", "twice", "both"]
    match data.draw(st.sampled_from(ways)):
        case "capture":
            found = history.model.holds.get(key)
            held = found.asked.quantity if found else 1
            capture_one(history, key, data.draw(st.sampled_from([held, held, 1, 4, 9, 40])))
        case "release":
            release_one(history, key)
        case "extend":
            extend_one(history, key, data.draw(st.sampled_from([0, 6, 30, 300])))
        case "twice" if data.draw(st.booleans()):
            capture_one(history, key, 1)
            capture_one(history, key, data.draw(st.integers(1, 2)))
        case "twice":
            release_one(history, key)
            release_one(history, key)
        case "both":
            capture_one(history, key, 1)
            release_one(history, key)
        case _ if lapses(history):
            history.clock = min(lapses(history))
            history.saw("jump onto a lapse")


def capture_one(history: History, key: str, quantity: int) -> None:
    found = history.model.holds.get(key)
    answer = history.ask(capture, key=key, quantity=quantity)
    history.saw(f"capture {answer[0]}")
    if answer[0] == "captured":
        more = quantity - found.asked.quantity
        history.saw(f"capture {'more' if more > 0 else 'less' if more else 'all'}")
        history.saw("capture uncollected" if answer[4] else "capture collected")
        if history.model.window()[0] > found.asked.event_at:
            history.saw("capture in a later window")


def release_one(history: History, key: str) -> None:
    history.saw(f"release {history.ask(release, key=key)[0]}")


def extend_one(history: History, key: str, hours: int) -> None:
    answer = history.ask(extend, key=key, until=history.clock + hours * HOUR)
    history.saw(f"extend {answer[0]}")


def write_lapses_down(history: History) -> None:
    if history.ask(lapse, kept=False):
        history.saw("lapse written down")


def lapses(history: History) -> list[datetime]:
    """Return the instants ahead at which holds lapse."""
    ends = [one.lapses_at for one in history.model.open_holds()]
    return [end for end in ends if end > history.clock]


class Holds(History):
    """Holds of any size, under new keys, and all that may become of them."""

    @rule(
        action=st.sampled_from(ACTIONS),
        quantity=st.sampled_from([1, 2, 3, 4, 7, 35]),
        credit_type=st.sampled_from(TYPES),
        rate=st.sampled_from([0, 1, 1, 1, 2]),
        hours=st.sampled_from([1, 4, 5, 24, 96, 0]),
        ago=st.sampled_from([0, 0, 0, 1, 96]),
    )
    def hold(self, action, quantity, credit_type, rate, hours, ago):
        asked = Ask(
            key=self.new_key(),
            action=action,
            quantity=quantity,
            event_at=self.clock - ago * HOUR,
            credit_type=credit_type,
            rate=rate * CREDIT,
            until=self.clock + hours * HOUR,
        )
        self.saw(f"hold {self.ask(hold, asked=asked)[0]}")

    @rule(
        data=st.data(),
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
        hours=st.sampled_from([5, 24, 96, 1, 200, 200]),
        waits=st.sampled_from([0, 1, 4, 20, 97, None, None]),
    )
    def work(self, data, sizes, hours, waits):
        """Hold for a few jobs, let time pass, do something about most of them.

        The time is of so many hours, or until the next window.
        """
        keys = [hold_for(self, size, hours) for size in sizes]
        if waits is None:
            self.clock = self.model.window()[1]
            self.serve_again()
        else:
            self.clock += waits * HOUR
        write_lapses_down(self)
        for key in keys:
            finish(self, data, key)

    @rule(size=st.integers(1, 4), beyond=st.integers(0, 2))
    def use_what_is_left(self, size, beyond):
        """Use all that is not held, or more, which what is held must not pay."""
        hold_for(self, size, 24)
        left = self.model.available("credits", "email")
        event = Use(
            key=self.new_key(),
            action="email",
            quantity=1,
            event_at=self.clock,
            credit_type="credits",
            amount=left + beyond * CREDIT,
        )
        use(self, event)

    def some_hold(self, data) -> str:
        still = [key for key, one in self.model.holds.items() if one.state == "open"]
        ended = [key for key in self.model.holds if key not in still]
        return data.draw(st.sampled_from([*still, *still, *ended, *ended, UNKNOWN]))

    @with_hold
    @rule(data=st.data(), quantity=st.sampled_from([1, 1, 2, 3, 8, 40]), exact=st.booleans())
    def capture(self, data, quantity, exact):
        key = self.some_hold(data)
        found = self.model.holds.get(key)
        if exact and found:
            quantity = found.captured or found.asked.quantity
        capture_one(self, key, quantity)

    @with_hold
    @rule(data=st.data())
    def release(self, data):
        release_one(self, self.some_hold(data))

    @with_hold
    @rule(data=st.data(), hours=st.sampled_from([0, 2, 6, 30, 300]))
    def extend(self, data, hours):
        extend_one(self, self.some_hold(data), hours)

    @rule()
    def write_lapses_down(self):
        write_lapses_down(self)


class HoldsAgain(History):
    """The same hold a second time, or another under its key; a second end of one."""

    @with_hold
    @rule(data=st.data(), other=st.booleans())
    def hold_again(self, data, other):
        asked = data.draw(st.sampled_from(self.asked(hold)))["asked"]
        if other:
            asked = replace(asked, until=self.clock + HOUR)
        self.saw(f"hold {self.ask(hold, kept=False, asked=asked)[0]}")

    @rule(size=st.integers(1, 4), released=st.booleans())
    def end_twice(self, size, released):
        """Capture what was released, or release what was captured, after more time for it."""
        key = hold_for(self, size, 24)
        extend_one(self, key, 30)
        if released:
            release_one(self, key)
        capture_one(self, key, size)
        release_one(self, key)
