"""Credits and instants of the door's answers, as the customer reads them."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from api.pages.customer.visits import Visit
from domain.credits import MICRO, parse_credits
from domain.money import half_up

SOURCES = {
    "allowance": "Included in your plan",
    "trial": "Trial",
    "rollover": "Carried over",
    "manual_purchase": "Bought by hand",
    "auto_purchase": "Auto-purchase",
    "pack": "Pack",
    "bonus": "Bonus",
    "adjustment": "Given by support",
    "overdraft": "Taken on credit",
}


@dataclass(frozen=True, slots=True)
class Words:
    """Formats for templates, known there as `words`."""

    visit: Visit

    def number(self, credits_text: str) -> str:
        """Return a decimal text as a number, as in `1,694.13`."""
        return self.visit.show.number(parse_credits(credits_text))

    def credits(self, credits_text: str, credit_type: str) -> str:
        """Return a decimal text with the unit's own name, as in `5 SEO documents`."""
        return f"{self.number(credits_text)} {self.visit.unit(credit_type)}"

    def money(self, amount_minor: int, currency: str) -> str:
        """Return minor units as money."""
        return self.visit.show.money(amount_minor, currency)

    def day(self, instant: str) -> str:
        """Return the local day of an instant."""
        return self.visit.show.day(datetime.fromisoformat(instant))

    def date(self, day: date) -> str:
        """Return a day of the calendar."""
        return self.visit.show.day(datetime.combine(day, time(12), self.visit.show.zone))

    def moment(self, instant: str) -> str:
        """Return the local day and time of an instant."""
        return self.visit.show.moment(datetime.fromisoformat(instant))

    def until(self, instant: str | None) -> str:
        """Return the last day or moment before an end; None: it never comes."""
        if instant is None:
            return "never expires"
        return self.visit.show.until(datetime.fromisoformat(instant))

    def goal(self, credits_text: str | None) -> str:
        """Return a monthly goal, about it where it is no whole number; empty if there is none."""
        if credits_text is None:
            return ""
        micro = parse_credits(credits_text)
        whole = half_up(micro, MICRO) * MICRO
        return ("" if whole == micro else "about ") + self.visit.show.number(whole)

    def source(self, source: str) -> str:
        """Return where credits came from."""
        return SOURCES.get(source, source.replace("_", " ").capitalize())

    def percent(self, part: str, whole: str) -> int:
        """Return whole percents of two decimal texts, for the length of a bar."""
        return self.visit.show.percent(parse_credits(part), parse_credits(whole))


def facts(visit: Visit, **more: Any) -> dict[str, Any]:
    """Return what a template is given, with its formats."""
    return {"words": Words(visit), **more}
