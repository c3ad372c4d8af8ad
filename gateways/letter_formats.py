"""Money, credits and time in the reader's own locale and time zone, never rounded."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from domain.errors import InvalidInput
from domain.mails.facts import Lot, OtherCredits, PlanTerms
from domain.money import Ratio, minor_exponent

MOST_LOTS = 4  # lots of a balance that a mail lists
MICRO = 6  # credits are counted in millionths
PRICE_DECIMALS = 8  # for a price per credit that does not end, such as a third of a cent
NO_BREAK = "\N{NO-BREAK SPACE}"
TEXT_WIDTH = 70  # columns of the plain text


@dataclass(frozen=True, slots=True)
class Formats:
    """The reader's formats; templates know them as `show`."""

    locale: Locale
    zone: ZoneInfo
    unit: str = ""  # the name of a credit; empty: credits

    @classmethod
    def of(cls, locale: str, time_zone: str, unit: str = "") -> "Formats":
        """Return the formats of `en_US` in `Europe/Berlin`; InvalidInput if unknown."""
        return cls(_locale(locale), _zone(time_zone), unit)

    def money(self, amount_minor: int, currency: str) -> str:
        """Return an amount of minor units, as in `$1,234.50`."""
        return self._money(Decimal(amount_minor).scaleb(-_exponent(currency)), currency)

    def price(self, unit: Ratio, currency: str) -> str:
        """Return minor units per micro-credit as a price per credit: `$0.0009`, all decimals."""
        exact = Fraction(unit.num * 10**MICRO, unit.den * 10 ** _exponent(currency))
        shown = round(exact, PRICE_DECIMALS)
        about = "" if shown == exact else "≈ "
        return about + self._money(Decimal(shown.numerator) / shown.denominator, currency)

    def number(self, amount_micro: int) -> str:
        """Return a number of credits with just the decimals it has, as in `1,694.13`."""
        return _number(self.locale, amount_micro)

    def credits(self, amount_micro: int) -> str:
        """Return a number of credits with their name, as in `10,000 credits`."""
        if self.unit:
            return f"{self.number(amount_micro)}{NO_BREAK}{self.unit}"
        word = "credit" if amount_micro == 10**MICRO else "credits"
        return f"{self.number(amount_micro)}{NO_BREAK}{word}"

    def amount(self, amount_micro: int) -> str:
        """Return credits for a row whose label names them; other types with their name."""
        return self.credits(amount_micro) if self.unit else self.number(amount_micro)

    def other(self, one: OtherCredits) -> str:
        """Return credits of another type with their name, as in `100,000 AI words`."""
        return f"{self.number(one.credits_micro)}{NO_BREAK}{one.name}"

    def allowance(self, terms: PlanTerms) -> str:
        """Return what a plan includes, as in `5 SEO documents and 100,000 AI words a month`."""
        *first, last = [self.credits(terms.allowance_micro), *map(self.other, terms.also)]
        every = "every" if " " in terms.allowance_interval else "a"
        included = f"{', '.join(first)} and {last}" if first else last
        return f"{included} {every} {terms.allowance_interval}"

    def lots(self, lots: Sequence[Lot]) -> list[tuple[str, str]]:
        """Return rows (label, value) that show how long each part of a balance lasts."""
        if len(lots) == 1:
            return [("Valid until", self._end(lots[0].expires_at))]
        first, later = lots[:MOST_LOTS], lots[MOST_LOTS:]
        rows = [
            (
                f"of these until {self.until(one.expires_at)}"
                if one.expires_at
                else "of these for good",
                self.number(one.credits_micro),
            )
            for one in first
        ]
        rest = sum(one.credits_micro for one in later)
        return [*rows, ("of these for longer", self.number(rest))] if rest else rows

    def _end(self, at: datetime | None) -> str:
        return self.until(at) if at else "they never expire"

    def day(self, at: datetime) -> str:
        """Return the local date, as in `November 22, 2026`."""
        return str(format_date(at.astimezone(self.zone), "long", locale=self.locale))

    def short_day(self, at: datetime) -> str:
        """Return the local day without the year, as in `Nov 22`."""
        return str(format_skeleton("MMMd", at.astimezone(self.zone), locale=self.locale))

    def moment(self, at: datetime) -> str:
        """Return the local date and time, as in `November 22, 2026, 10:00 AM`."""
        time = format_time(at.astimezone(self.zone).timetz(), "short", locale=self.locale)
        return f"{self.day(at)}, {time}"

    def until(self, end: datetime) -> str:
        """Return the last day of what ends at local midnight, else the moment it ends."""
        local = end.astimezone(self.zone)
        at_midnight = not (local.hour or local.minute or local.second)
        return self.day(_last_instant(end)) if at_midnight else self.moment(end)

    def span(self, start: datetime, end: datetime) -> str:
        """Return the first and last local day of `[start, end)`, as in `Nov 22` to `Dec 21`."""
        first, last = start.astimezone(self.zone), _last_instant(end).astimezone(self.zone)
        skeleton = "MMMd" if first.year == last.year else "yMMMd"
        days = format_interval(first.date(), last.date(), skeleton, locale=self.locale)
        return str(days)

    def percent(self, part: int, whole: int) -> int:
        """Return whole percents, 0 to 100, for the length of a bar."""
        return min(100, part * 100 // whole) if whole > 0 else 100

    def row(self, label: str, value: str) -> str:
        """Return a line of plain text with the value right-aligned."""
        if len(label) + len(value) + 2 <= TEXT_WIDTH - 2:
            return f"  {label}{value.rjust(TEXT_WIDTH - 2 - len(label))}"
        return "\n".join([*textwrap.wrap(f"  {label}", TEXT_WIDTH), value.rjust(TEXT_WIDTH)])

    def _money(self, amount: Decimal, currency: str) -> str:
        code = currency.upper()
        pattern = self.locale.currency_formats["standard"].pattern
        symbol = get_currency_symbol(code, locale=self.locale)
        if symbol[-1:].isalpha():  # KWD 1.230, not KWD1.230
            pattern = pattern.replace("¤#", f"¤{NO_BREAK}#")
        return str(
            format_currency(
                amount.normalize(),
                code,
                pattern,
                locale=self.locale,
                decimal_quantization=False,
            )
        )


@lru_cache(maxsize=64)
def _locale(written: str) -> Locale:
    """Return a locale. Raises `InvalidInput` (`unknown_locale`)."""
    try:
        return Locale.parse(written.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        fault = f"locale {written!r} is unknown: write it as en_US"
        raise InvalidInput("unknown_locale", fault) from error


def _zone(written: str) -> ZoneInfo:
    """Return a time zone. Raises `InvalidInput` (`unknown_time_zone`)."""
    try:
        return ZoneInfo(written)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        fault = f"time zone {written!r} is unknown: write it as Europe/Berlin"
        raise InvalidInput("unknown_time_zone", fault) from error


@lru_cache(maxsize=4_096)  # a page of lines has the same few numbers again and again
def _number(locale: Locale, amount_micro: int) -> str:
    plain = Decimal(amount_micro).scaleb(-MICRO).normalize()
    return str(format_decimal(plain, locale=locale, decimal_quantization=False))


def _exponent(currency: str) -> int:
    return minor_exponent(currency.upper())


def _last_instant(end: datetime) -> datetime:
    return end - timedelta(microseconds=1)
