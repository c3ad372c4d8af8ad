"""Changes of cards and requests to retry a payment, parsed from JSON text."""

from dataclasses import dataclass

from domain.messages import fields

THE_DEFAULT = "default"
_MOST_SIGNS = 20


@dataclass(frozen=True, slots=True)
class CardNews:
    """A card changed. `update` names the change, so that a repetition is recognised.

    `default`: the card is only what the processor charges by default; that alone does not change a
    card in use. Without `update` the same card counts once for each charge that fails.
    """

    method: str
    update: str = ""


@dataclass(frozen=True, slots=True)
class RetryPayment:
    """Retry a declined charge: somebody believes that the card works now."""

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
    """Return the signs seen so far with one more; the oldest are forgotten."""
    return (*signs, sign)[-_MOST_SIGNS:]


def named_only(signs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the signs of named updates; a bare card may count again after another decline."""
    return tuple(sign for sign in signs if ":" in sign)


def sign_of(news: CardNews) -> str:
    """Return the sign that a change of card gives, equal for equal changes."""
    return f"update:{news.update}" if news.update else news.method
