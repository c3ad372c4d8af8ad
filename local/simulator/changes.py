"""Changes of plan that a simulated customer asks for, each on a day that was named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.money import format_money
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import plan_in
from local.simulator.calendar import by_day, midnight
from local.timeline import Json

AT_ONCE = "@now"


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change asked for as a day of UTC begins.

    `at_once`: a plan of another interval begins then too, and not with the next period.
    """

    on: date
    plan: Plan
    at_once: bool = False

    @property
    def at(self) -> datetime:
        """When it is asked for."""
        return midnight(self.on)

    @property
    def message(self) -> Json:
        """What the subscription is asked."""
        asked: Json = {"plan": self.plan.plan_id, "key": f"change-{self.on}"}
        return asked | ({"when": "now"} if self.at_once else {})

    def told(self, answer: Json) -> str:
        """Return what became of it, in words."""
        what = f"to {self.plan.name} on {self.on}"
        match answer["status"]:
            case "changed" | "processing":
                money = format_money(answer["amount_minor"], self.plan.currency)
                return f"{what}: {money} charged"
            case "scheduled":
                return f"{what}: from {answer['effective_at'][:10]}"
            case _:
                return f"{what}: {answer['status']}, {answer.get('reason', '')}".rstrip(", ")


def read_changes(texts: Sequence[str], catalog: Catalog, currency: str) -> tuple[PlanChange, ...]:
    """Return what `2027-02-15=scale` and `2027-06-16=team_yearly@now` ask for, by their days.

    Raises `InvalidInput` (`invalid_time`, `invalid_value`, `unknown_plan`).
    """
    return tuple(
        PlanChange(
            on=on,
            plan=plan_in(catalog, named.removesuffix(AT_ONCE), currency=currency),
            at_once=named.endswith(AT_ONCE),
        )
        for on, named in by_day(texts, "--change", "PLAN")
    )
