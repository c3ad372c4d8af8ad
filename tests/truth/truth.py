"""What a mail must say, collected from the ledger by its kind's checker."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.truth.books import Books
from tests.truth.reading import plain


@dataclass
class Truth:
    """What a mail must say: exactly these rows, at least these phrases, no other figure."""

    books: Books
    rows: list[tuple[str, str]] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)

    def row(self, label: str, value: str) -> None:
        self.rows.append((label, plain(value)))

    def says(self, phrase: str) -> None:
        self.phrases.append(plain(phrase))

    def number(self, micro: int) -> str:
        return self.books.show.number(micro)

    def moment(self, at: datetime) -> str:
        return plain(self.books.show.moment(at))

    def balance(self, at: datetime | None = None, label: str = "Your credits now") -> None:
        """Expect the balance and, by their expiry, its parts."""
        lots = self.books.lots(main_type(self.books), at)
        self.row(label, self.number(sum(free for _, free in lots)))

    def lots(self, at: datetime | None = None) -> None:
        lots, until = self.books.lots(main_type(self.books), at), self.books.show.until
        if len(lots) == 1:
            self.row("Valid until", until(lots[0][0]) if lots[0][0] else "they never expire")
            return
        for expires, free in lots:
            label = f"of these until {plain(until(expires))}" if expires else "of these for good"
            self.row(label, self.number(free))

    def next_payment(self) -> None:
        due = self.books.next_payment()
        if due is None:
            self.never.append("Your next payment is")
        else:
            day = self.books.show.day(due[0])
            self.says(f"Your next payment is {self.books.money(due[1])} on {day}.")


def main_type(books: Books) -> str:
    plan = books.subscription.plan
    sources = (*plan["allowances"], *plan["starter"])
    return sources[0]["credit_type"] if sources else "credits"


def terms_of(truth: Truth, plan: dict[str, Any]) -> tuple[str, str]:
    """Return price and allowance as a mail writes them."""
    kind = plan["allowances"][0]["credit_type"]
    included = sum(a["quantity_micro"] for a in plan["allowances"] if a["credit_type"] == kind)
    unit = (
        "year" if plan["interval"]["count"] == 12 or plan["interval"]["unit"] == "year" else "month"
    )
    price = f"{truth.books.money(plan['price_minor'])} a {unit}" if plan["price_minor"] else "free"
    return price, f"{plain(truth.books.show.credits(included))} a month"
