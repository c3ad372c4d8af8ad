"""Histories with holds: the same requests to the ledger and to the model, in any order."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.ledger.hold_model import Ask, HoldingWallet, RealHoldingWallet
from tests.ledger.machine import HOUR, TYPES, Histories

UNKNOWN = "never-held"
with_hold = precondition(lambda self: self.model.holds)


class HoldHistories(Histories):
    """What happens to a wallet whose credits are set aside now and then."""

    Model = HoldingWallet
    Real = RealHoldingWallet
    # Other histories are about these: here they would leave too few steps for holds.
    reserve = buy = pay = pay_what_is_open = decline = void = None
    remove = remove_again = grant_again = debit_again = debit_with_a_known_key = None
    batch = debit_one_by_one = renew_at_last = jump_onto_the_windows_end = None

    def __init__(self, engine, seen):
        super().__init__(engine, seen)
        self.stood: dict[datetime, dict[str, tuple[int, int]]] = {}

    def ask(self, method, **request):
        """Put one request to both, and remember where the wallet stood after it."""
        answer = super().ask(method, **request)
        model = self.model
        self.stood[model.now] = {
            credit_type: (
                model.available(credit_type),
                sum(one.held for one in model.terms() if one.credit_type == credit_type),
            )
            for credit_type in ("credits", "usd_wallet")
        }
        return answer

    @rule(
        action=st.sampled_from(["email", "lookup", "export"]),
        quantity=st.sampled_from([1, 2, 3, 4, 7, 35]),
        credit_type=st.sampled_from(TYPES),
        rate=st.sampled_from([0, 1, 1, 1, 2]),
        hours=st.sampled_from([1, 4, 5, 24, 96, 0]),
        ago=st.sampled_from([0, 0, 0, 1, 96]),
    )
    def hold(self, action, quantity, credit_type, rate, hours, ago):
        event_at, until = self.clock - ago * HOUR, self.clock + hours * HOUR
        asked = Ask(self.new_key(), action, quantity, event_at, credit_type, rate, until)
        self.saw(f"hold {self.ask('hold', asked=asked)[0]}")

    def hold_for(self, quantity: int, hours: int) -> str:
        """Hold at most what there is, so that more holds succeed than chance would let."""
        while self.model.windows[-1][1] <= self.clock:
            self.renew()
        for cause in list(self.model.paused):
            self.ask("pause", cause=cause, paused=False, kept=False)
        free = self.model.available("credits", "email")
        quantity = max(min(quantity, free), 1)
        until = self.clock + hours * HOUR
        asked = Ask(self.new_key(), "email", quantity, self.clock, "credits", 1, until)
        self.saw(f"hold {self.ask('hold', asked=asked)[0]}")
        return asked.key

    @rule(
        data=st.data(),
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
        hours=st.sampled_from([5, 24, 96, 1, 200]),
        waits=st.sampled_from([0, 1, 4, 20, 97]),
    )
    def work(self, data, sizes, hours, waits):
        """Hold for a few jobs, let time pass, do something about most of them."""
        keys = [self.hold_for(size, hours) for size in sizes]
        self.clock += waits * HOUR
        self.write_lapses_down()
        for key in keys:
            self.finish(data, key)

    def finish(self, data, key):
        match data.draw(st.sampled_from(["capture", "capture", "release", "extend", "", "twice"])):
            case "capture":
                hold = self.model.holds.get(key)
                held = hold.asked.quantity if hold else 1
                self.capture_one(key, data.draw(st.sampled_from([held, held, 1, 4, 9, 40])))
            case "release":
                self.release_one(key)
            case "extend":
                self.extend_one(key, data.draw(st.sampled_from([0, 6, 30])))
            case "twice" if data.draw(st.booleans()):
                self.capture_one(key, 1)
                self.capture_one(key, data.draw(st.integers(1, 2)))
            case "twice":
                self.release_one(key)
                self.release_one(key)
            case _ if self.lapses():
                self.clock = min(self.lapses())
                self.saw("jump onto a lapse")

    @with_hold
    @rule(data=st.data(), other=st.booleans())
    def hold_again(self, data, other):
        known = [request["asked"] for method, request in self.past if method == "hold"]
        asked = data.draw(st.sampled_from(known))
        if other:
            asked = Ask(*(getattr(asked, name) for name in Ask.__slots__[:-1]), self.clock + HOUR)
        self.saw(f"hold {self.ask('hold', kept=False, asked=asked)[0]}")

    def some_hold(self, data) -> str:
        still = [key for key, hold in self.model.holds.items() if hold.state == "open"]
        ended = [key for key in self.model.holds if key not in still]
        return data.draw(st.sampled_from([*still, *still, *ended, *ended, UNKNOWN]))

    @with_hold
    @rule(data=st.data(), quantity=st.sampled_from([1, 1, 2, 3, 8, 40]), exact=st.booleans())
    def capture(self, data, quantity, exact):
        key = self.some_hold(data)
        hold = self.model.holds.get(key)
        if exact and hold:
            quantity = hold.captured or hold.asked.quantity
        self.capture_one(key, quantity)

    def capture_one(self, key, quantity):
        hold = self.model.holds.get(key)
        answer = self.ask("capture", key=key, quantity=quantity)
        self.saw(f"capture {answer[0]}")
        if answer[0] == "captured":
            more = quantity - hold.asked.quantity
            self.saw(f"capture {'more' if more > 0 else 'less' if more else 'all'}")
            self.saw("capture uncollected" if answer[4] else "capture collected")
            if self.model.window()[0] > hold.asked.event_at:
                self.saw("capture in a later window")

    @with_hold
    @rule(data=st.data())
    def release(self, data):
        self.release_one(self.some_hold(data))

    def release_one(self, key):
        self.saw(f"release {self.ask('release', key=key)[0]}")

    @with_hold
    @rule(data=st.data(), hours=st.sampled_from([0, 2, 6, 30]))
    def extend(self, data, hours):
        self.extend_one(self.some_hold(data), hours)

    def extend_one(self, key, hours):
        answer = self.ask("extend", key=key, until=self.clock + hours * HOUR)
        self.saw(f"extend {answer[0]}")

    @rule()
    def write_lapses_down(self):
        if self.ask("lapse", kept=False):
            self.saw("lapse written down")

    def lapses(self) -> list[datetime]:
        ends = [hold.lapses_at for hold in self.model.open_holds()]
        return [end for end in ends if end > self.clock]

    @precondition(lambda self: self.stood)
    @rule(data=st.data())
    def look_back(self, data):
        at = data.draw(st.sampled_from(sorted(self.stood)))
        found = self.real.as_of(at)
        assert {name: found.get(name, (0, 0)) for name in self.stood[at]} == self.stood[at]
        self.saw("looked back")

    @invariant()
    def a_lapse_is_decided_by_the_instant(self):
        model = self.model
        instants = {self.clock, *self.lapses(), self.clock + 30 * HOUR}
        for at in sorted(instant for instant in instants if instant >= model.now)[:3]:
            for credit_type in ("credits", "usd_wallet"):
                expected = model.available_at(credit_type, at)
                assert self.real.available_at(credit_type, at) == expected
