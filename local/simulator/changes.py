"""Changes of plan that a simulated customer asks for, each on a day that was named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from domain.errors import InvalidInput
from domain.money import format_money
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import plan_in
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
        return datetime.combine(self.on, time(), UTC)

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

    Raises `InvalidInput` (`invalid_time`, `unknown_plan`).
    """
    found = sorted((_read(text, catalog, currency) for text in texts), key=lambda change: change.on)
    if len({change.on for change in found}) < len(found):
        raise InvalidInput("invalid_time", "--change: name each day once")
    return tuple(found)


def _read(text: str, catalog: Catalog, currency: str) -> PlanChange:
    day, sign, named = text.partition("=")
    try:
        on = date.fromisoformat(day)
    except ValueError as error:
        why = f"--change {text!r:.80}: write DAY=PLAN, as 2027-02-15=scale"
        raise InvalidInput("invalid_time", why) from error
    if not sign:
        raise InvalidInput("unknown_plan", f"--change {text!r:.80}: write DAY=PLAN")
    plan = plan_in(catalog, named.removesuffix(AT_ONCE), currency=currency)
    return PlanChange(on, plan, at_once=named.endswith(AT_ONCE))
