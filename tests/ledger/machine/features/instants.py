"""What was and what will be: balances at any instant, before and behind the wallet's own."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.features.holds import lapses
from tests.ledger.machine.history import HOUR, History

KINDS = ("credits", "usd_wallet")


class Instants(History):
    """A balance is asked for an instant; no sweep has to have come first."""

    @precondition(lambda self: self.stood)
    @rule(data=st.data())
    def look_back(self, data):
        at = data.draw(st.sampled_from(sorted(self.stood)))
        expected = self.stood[at]
        found = self.real.as_of(at)
        assert {kind: found.get(kind, (0, 0)) for kind in expected} == expected
        self.saw("looked back")

    def compare(self, row):
        """A lapse is decided by the instant."""
        super().compare(row)
        instants = {self.clock, *lapses(self), self.clock + 30 * HOUR}
        ahead = sorted(at for at in instants if at >= self.model.now)[:3]
        asked = [(kind, at) for at in ahead for kind in KINDS]
        if asked:
            expected = [self.model.available_at(*one) for one in asked]
            assert self.real.available_at(asked) == expected
