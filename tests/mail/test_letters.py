import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from domain.errors import InvalidInput
from domain.mails.facts import Purpose, Reason, neutral_reason
from domain.money import Ratio
from domain.payments import ChargeLine, Decline
from gateways import letters
from gateways.letter_formats import TEXT_WIDTH, Formats
from gateways.letters import render
from tests.mail.facts import ACTION, CREDIT, a_failure, a_minimal_receipt, a_reader, a_receipt
from tests.mail.samples import every_mail

EVERY_MAIL = every_mail()
NARROW = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.fixture(params=EVERY_MAIL)
def mail(request):
    return EVERY_MAIL[request.param]


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []
        self.words = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs))

    def handle_data(self, data):
        self.words.append(data)


def parsed(html):
    links = Links()
    links.feed(html)
    return links


def words(letter):
    return plain(" ".join(parsed(letter.html).words))


def plain(text):
    return " ".join(text.split())


def test_every_mail_has_a_subject_and_both_parts(mail):
    letter = render(mail)

    assert letter.subject
    assert "\n" not in letter.subject
    for part in (letter.text, words(letter)):
        assert f"Hello {mail.reader.addressee or mail.reader.customer_name}," in part
        assert mail.reader.plan_name in part
        assert mail.reader.product_name in plain(part)
    assert letter.html.startswith("<!doctype html>")


def test_no_mail_shows_a_missing_fact(mail):
    letter = render(mail)

    for part in (letter.subject, letter.text, words(letter)):
        assert not re.search(r"\bNone\b|undefined|\bTrue\b|\bFalse\b|\{\{|\{%", part)


def test_every_mail_has_exactly_one_call_to_action(mail):
    letter = render(mail)

    links = parsed(letter.html).links
    actions = [link for link in links if link.get("class") == "action"]
    assert [link["href"] for link in actions] == [ACTION]
    assert sum(link["href"] == ACTION for link in links) == 1
    assert letter.text.count(ACTION) == 1


def test_both_parts_tell_the_same_figures(mail):
    letter = render(mail)

    def figures(part):
        without_links = re.sub(r"https://\S+", "", part)
        return set(re.findall(r"[$€]?\d[\d.,:]*\d|\b\d\b", without_links))

    assert figures(letter.text) == figures(words(letter).replace(letter.subject, "", 1))


def test_plain_text_keeps_to_its_width(mail):
    lines = render(mail).text.splitlines()

    assert all(len(line) <= TEXT_WIDTH or "https://" in line for line in lines)


def test_names_cannot_bring_markup_or_lines_of_their_own(mail):
    evil = "<b>Bob</b> & {{ 7*7 }}\r\nBcc: eve@evil.example"
    reader = replace(mail.reader, customer_name=evil, plan_name=evil, product_name=evil)

    letter = render(replace(mail, reader=reader))

    assert "<b>Bob" not in letter.html
    assert "&lt;b&gt;Bob&lt;/b&gt; &amp; {{ 7*7 }}" in letter.html
    assert "<b>Bob</b>" in letter.text
    assert "\n" not in letter.subject


@pytest.mark.parametrize("name", ["plan_changed", "downgrade"])
def test_the_names_of_compared_plans_are_escaped(name):
    mail = EVERY_MAIL[name]
    evil = replace(mail.old, plan_name="<b>Free</b>")

    letter = render(replace(mail, old=evil, new=evil))

    assert "<b>" not in letter.html
    assert "<b>Free</b>" in letter.text


def test_a_charge_line_and_a_card_are_escaped():
    lines = (ChargeLine("<script>x</script>", 100),)

    html = render(a_receipt(lines=lines, card='"><i>')).html

    assert "<script" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("code", ["fraudulent", "lost_card", "stolen_card", "pickup_card"])
def test_no_mail_tells_a_sensitive_reason(code):
    letter = render(a_failure(reason=neutral_reason(code), decline=Decline.HARD))

    everything = f"{letter.subject} {letter.text} {letter.html}".lower()
    assert not re.search(r"fraud|lost|stolen|pickup|risk", everything)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("decline", Decline)
def test_every_failure_can_be_told(reason, purpose, decline):
    for paused in (False, True):
        failure = a_failure(reason=reason, purpose=purpose, decline=decline, paused=paused)
        assert render(failure).text
        assert render(replace(failure, retry_at=None, card=None)).html


@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_has_a_receipt(purpose):
    assert render(a_minimal_receipt(purpose=purpose)).subject


def test_an_automatic_receipt_says_why_and_counts_against_the_cap():
    letter = render(a_receipt())

    assert letter.subject == "Receipt: 10,000 credits, $11.70 (automatic purchase)"
    for part in (plain(letter.text), words(letter)):
        for fact in (
            "Your credits no longer covered your work and auto-purchase is on",
            "$9.00",
            "$2.70",
            "$0.0009",
            "20,000 of at most 80,000 credits until November 30, 2026",
            "$23.40 of at most $93.60",
            "Your next payment is $72.00 on December 1, 2026.",
            "It can be switched off in Acme Automations.",
            "ACME-0042",
        ):
            assert fact in part
    assert 'href="https://pay.example/i/acme-0042"' in letter.html


def test_a_renewal_names_its_period_by_first_and_last_day():
    assert render(EVERY_MAIL["receipt_renewal"]).subject == (
        "Your receipt from Acme Automations: $72.00 (Nov 1 – 30)"  # noqa: RUF001
    )


def test_a_soft_failure_names_the_next_try():
    letter = render(EVERY_MAIL["failed_soft"])

    assert letter.subject == ("We couldn't charge your Visa ···4242 ($49.00): trying again Nov 25")
    assert "November 25, 2026, 9:00 AM" in plain(letter.text)
    assert "paused" not in letter.text


def test_a_hard_failure_says_what_is_paused_and_until_when():
    letter = render(EVERY_MAIL["failed_auto"])

    assert letter.subject == "Action needed: we couldn't charge your Visa ···4242 ($11.70)"
    for part in (letter.text, words(letter)):
        assert "Your plan is paused until the card is updated" in plain(part)
        assert "Update your card" in part


def test_a_confirmation_leads_to_the_bank():
    letter = render(EVERY_MAIL["failed_confirm"])

    assert letter.subject == "Your bank asks you to confirm $49.00"
    assert "Confirm with your bank" in letter.text
    assert "Update your card" not in letter.text


def test_a_cancellation_tells_what_is_lost_and_what_is_kept():
    text = plain(render(EVERY_MAIL["canceled"]).text)

    assert "Expire with the plan if unused 8,305.87 credits" in text
    assert "Kept for you 2,500 credits" in text


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "shown"),
    [
        ("en_US", "usd", 1170, "$11.70"),
        ("en_US", "JPY", 5000, "¥5,000"),
        ("ja-JP", "JPY", 5000, "￥5,000"),
        ("en_US", "KWD", 1230, f"KWD{NO_BREAK}1.230"),
        ("de_DE", "EUR", 123450, f"1.234,50{NO_BREAK}€"),
        ("fr_FR", "USD", 1170, f"11,70{NO_BREAK}$US"),
        ("en_US", "ISK", 50000, f"ISK{NO_BREAK}500"),
        ("en_US", "usd", -630, "-$6.30"),
        ("en_US", "usd", 0, "$0.00"),
        ("en_US", "usd", 9_223_372_036_854_775_807, "$92,233,720,368,547,758.07"),
    ],
)
def test_money_has_the_decimals_of_the_processor(locale, currency, amount, shown):
    assert Formats.of(locale, "UTC").money(amount, currency) == shown


def test_a_german_receipt_is_written_the_german_way():
    reader = a_reader(locale="de_DE")

    letter = render(a_receipt(reader=reader, currency="eur", balance_micro=1_694_130_000))

    assert f"11,70{NO_BREAK}€" in letter.text
    assert f"11,70{NO_BREAK}€" in letter.html
    assert "20. November 2026" in plain(letter.text)
    assert "1.694,13" in letter.text


@pytest.mark.parametrize(
    ("micro", "shown"),
    [
        (1_694_130_000, "1,694.13"),
        (10_000 * CREDIT, "10,000"),
        (1, "0.000001"),
        (0, "0"),
        (500_000, "0.5"),
        (9_223_372_036_854_775_807, "9,223,372,036,854.775807"),
    ],
)
def test_credits_are_shown_exactly(micro, shown):
    assert Formats.of("en_US", "UTC").number(micro) == shown


def test_one_credit_is_singular():
    show = Formats.of("en_US", "UTC")

    assert show.credits(CREDIT) == f"1{NO_BREAK}credit"
    assert show.credits(2 * CREDIT) == f"2{NO_BREAK}credits"


@pytest.mark.parametrize(
    ("unit", "currency", "shown"),
    [
        (Ratio(9, 100 * CREDIT), "usd", "$0.0009"),
        (Ratio(29, 400 * CREDIT), "usd", "$0.000725"),
        (Ratio(200, CREDIT), "usd", "$2.00"),
        (Ratio(1, 3 * CREDIT), "usd", "≈ $0.00333333"),
        (Ratio(5, CREDIT), "jpy", "¥5"),
    ],
)
def test_a_price_per_credit_is_exact_or_says_that_it_is_not(unit, currency, shown):
    assert Formats.of("en_US", "UTC").price(unit, currency) == shown


def test_an_end_at_local_midnight_is_the_day_before():
    end = datetime(2026, 11, 30, 23, tzinfo=UTC)

    assert Formats.of("en_US", "Europe/Berlin").until(end) == "November 30, 2026"
    assert Formats.of("en_US", "UTC").until(end) == f"November 30, 2026, 11:00{NARROW}PM"


def test_a_period_over_new_year_names_both_years():
    show = Formats.of("en_US", "UTC")
    start, end = datetime(2026, 11, 22, tzinfo=UTC), datetime(2027, 11, 22, tzinfo=UTC)

    assert plain(show.span(start, end)) == "Nov 22, 2026 – Nov 21, 2027"  # noqa: RUF001


def test_a_bar_never_leaves_its_frame():
    show = Formats.of("en_US", "UTC")

    assert [show.percent(*pair) for pair in ((0, 8), (2, 8), (9, 8), (0, 0))] == [0, 25, 100, 100]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"locale": "xx_YY"}, "unknown_locale"),
        ({"locale": ""}, "unknown_locale"),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone"),
        ({"time_zone": "../etc/passwd"}, "unknown_time_zone"),
        ({"time_zone": ""}, "unknown_time_zone"),
    ],
)
def test_an_unknown_locale_or_zone_is_named(changes, reason):
    with pytest.raises(InvalidInput) as refusal:
        render(a_receipt(reader=a_reader(**changes)))

    assert refusal.value.reason == reason


def test_an_unknown_currency_is_named():
    with pytest.raises(InvalidInput) as refusal:
        render(a_receipt(currency="XXX"))

    assert refusal.value.reason == "unknown_currency"


def test_a_fact_that_a_template_misses_is_an_error():
    with pytest.raises(UndefinedError):
        letters._templates().from_string("{{ nothing }}").render()


def test_entities_are_made_for_links_with_parameters():
    html = render(a_receipt()).html

    assert unescape(html).count(ACTION) == 1
    assert "&amp;step=1" in html


def test_credits_are_called_what_the_catalog_calls_them():
    wallet = render(every_mail()["low_balance_wallet"])

    assert wallet.subject == "4.998 SaaS credits in US dollars left (told at 20 %)"
    assert "4.998\N{NO-BREAK SPACE}SaaS credits in US dollars left" in unescape(wallet.html)


def test_two_alerts_of_one_balance_have_subjects_of_their_own():
    alerts = [replace(every_mail()["low_balance"], percent=percent) for percent in (20, 50)]
    amounts = [
        replace(every_mail()["low_balance_minimal"], threshold_micro=amount * CREDIT)
        for amount in (2_000, 3_000)
    ]

    assert len({render(mail).subject for mail in (*alerts, *amounts)}) == 4


def test_one_credit_expires_and_many_expire():
    mails = every_mail()

    assert render(mails["credits_expiring_tomorrow"]).subject == "1 credit expires within a day"
    assert render(mails["credits_expiring"]).subject.endswith("credits expire within 7 days")
