"""Old lines of the journal move into the archive, at any moment."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ledger import balances
from ledger.reports.debts import debts
from ledger.reports.liability import liability
from ledger.reports.period import periods
from ledger.reports.prices import effective_prices
from ledger.reports.scope import Scope
from ledger.reports.statement import statement
from ledger.reports.usage import usage_by_day
from tests.builders import START
from tests.ledger.machine.history import HOUR, History

YEAR = timedelta(days=365)


class Archiving(History):
    """Whatever is archived, no answer, balance or report is another."""

    @rule(hours=st.integers(0, 60), most=st.sampled_from([1, 3, 1_000, 1_000]))
    def archive(self, hours, most):
        told = self.told()
        moved = self.real.archive(self.clock - hours * HOUR, most)
        self.saw("archived" if moved else "nothing to archive")
        assert self.told() == told
        self.agreed = False

    def told(self):
        """Return what is read of the whole journal, and of a part of it."""
        ledger, account = self.real.connection, self.real.account
        middle = START + (self.clock - START) / 2
        found = [
            balances.history(ledger, account),
            balances.balances_as_of(ledger, account, middle),
            liability(ledger, middle, account),
        ]
        for start in (START - YEAR, middle):
            scope = Scope(start, self.clock + HOUR, account)
            found += [read(ledger, scope) for read in (statement, usage_by_day, debts, periods)]
            found.append(effective_prices(ledger, scope))
        return found
