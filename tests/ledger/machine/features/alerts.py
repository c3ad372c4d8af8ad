"""Thresholds that a balance falls through."""

from domain.pricing.policies import Alert, Channel
from ledger.notifications import alerts
from tests.ledger.machine.history import History
from tests.ledger.machine.model.purchases import CREDIT

LEVELS = (3 * CREDIT, 8 * CREDIT)  # balances at which somebody is told


class Alerts(History):
    """Each threshold is told once a window, and only at or below it."""

    def begin(self):
        told = [Alert(f"{n}_credits", None, n, Channel.EMAIL) for n in LEVELS]
        alerts.put(self.connection, self.real.account, "credits", told, own=False)
        super().begin()

    def compare(self, row):
        super().compare(row)
        told = row.alerts or []
        keys = [(one["window_start"], one["threshold"]) for one in told]
        assert len(set(keys)) == len(keys)
        assert all(one["available"] <= one["amount"] for one in told)
        if told:
            self.saw("alert")
