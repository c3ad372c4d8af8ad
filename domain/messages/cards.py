"""News of cards, and the wish to try again, parsed from JSON text."""

from dataclasses import dataclass

from domain.messages import fields

THE_DEFAULT = "default"
_MOST_SIGNS = 20


@dataclass(frozen=True, slots=True)
class CardNews:
    """Something happened to a card. `update` names what: the same name again is the same news.

    `default`: it is what is charged by default, which is no news of a card in use. Without a name
    the same card counts once for each charge that fails.
    """

    method: str
    update: str = ""


@dataclass(frozen=True, slots=True)
class RetryPayment:
    """Try again what was declined: somebody believes that the card works."""

    key: str


def parse_card_news(data: bytes) -> CardNews:
    """Read `{"payment_method": "pm_…", "update": "evt_…"}`; `update` is optional."""
    raw = fields.only(fields.parse_object(data), "payment_method", optional=("update",))
    return CardNews(
        fields.identifier(raw["payment_method"], "unknown_payment_method"),
        fields.text(raw, "update", "malformed") if "update" in raw else "",
    )


def parse_retry_payment(data: bytes) -> RetryPayment:
    """Read `{"key": …}`."""
    return RetryPayment(fields.key(fields.only(fields.parse_object(data), "key")))


def parse_payer(data: bytes) -> str:
    """Read `{"payer": "cus_…"}`."""
    raw = fields.only(fields.parse_object(data), "payer")
    return fields.identifier(raw["payer"], "unknown_payer")


def seen(signs: tuple[str, ...], sign: str) -> tuple[str, ...]:
    """Return the signs of a card that were seen, with one more; the oldest are forgotten."""
    return (*signs, sign)[-_MOST_SIGNS:]


def named_only(signs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the signs without those of cards alone: a charge that fails anew waits for them."""
    return tuple(sign for sign in signs if ":" in sign)


def sign_of(news: CardNews) -> str:
    """Return the sign that news of a card is, the same for the same news."""
    return f"update:{news.update}" if news.update else news.method
