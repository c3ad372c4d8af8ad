import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from domain.errors import InvalidInput
from domain.mails.facts import Purpose, Reason, neutral_reason
from domain.payments.charges import ChargeLine, Decline
from gateways import letters
from gateways.letter_formats import TEXT_WIDTH, Formats
from gateways.letters import render
from tests.mail.facts import (
    ACTION,
    CREDIT,
    a_failure,
    a_minimal_receipt,
    a_reader,
    a_receipt,
    plain,
)
from tests.mail.samples import every_mail

EVERY_MAIL = every_mail()


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
            "You can switch it off in Acme Automations.",
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

    assert wallet.subject == "4.998 SaaS credits in US dollars left (alert at 20 %)"
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


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("receipt_taxed", ("Net $11.70", "VAT 20 % (GB) $2.34", "Total paid $14.04")),
        ("receipt_tax_inside", ("Net $9.75", "V<A>T 20 % (GB) $1.95", "Total paid $11.70")),
        ("refunded_taxed", ("Net $22.50", "Tax $4.50", "Refunded $27.00")),
    ],
)
def test_tax_is_told_beside_net_and_total(name, rows):
    letter = render(EVERY_MAIL[name])
    for part in (plain(letter.text), words(letter)):
        assert [row for row in rows if row not in part] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("receipt_coupon", ("3,000 credits $2.70", "Coupon TEN -$0.27", "Total paid $2.43")),
        ("receipt_free", ("Coupon ALL -$2.70", "Total paid $0.00", "nothing was charged")),
    ],
)
def test_a_coupon_is_told_with_what_is_left(name, told):
    letter = render(EVERY_MAIL[name])
    for part in (plain(letter.text), words(letter)):
        assert [one for one in told if one not in part] == [], part
    assert ("payment of" in plain(letter.text)) == (name == "receipt_coupon")


def test_a_price_without_its_tax_says_so():
    letter = render(a_receipt(reader=a_reader(tax_added=True)))
    assert "Your next payment is $72.00 plus tax on" in plain(letter.text)
    assert "$72.00 plus tax" in words(letter)


@pytest.mark.parametrize("paused", [True, False])
def test_a_missing_address_is_not_blamed_on_a_card(paused):
    reader = a_reader(tax_added=True)
    failed = a_failure(reader=reader, card=None, reason=Reason.NO_ADDRESS, retry_at=None)
    letter = render(replace(failed, decline=Decline.HARD, paused=paused))
    for part in (letter.subject, plain(letter.text), words(letter)):
        assert "address" in part
        assert "$49.00 plus tax" in part
        assert "card" not in part.replace(ACTION, "")
