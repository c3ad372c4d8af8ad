import json
import typing
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.mails.codec import envelope_from_json, envelope_to_json, from_json, to_json
from domain.mails.envelope import Envelope, Mail
from domain.mails.facts import Reason, neutral_reason
from domain.money import Ratio
from domain.payments.dunning import HARD_CODES
from tests.mail.facts import ACTION, a_failure, a_reader, a_receipt
from tests.mail.samples import every_mail

SENSITIVE = ("fraudulent", "lost_card", "stolen_card", "pickup_card", "highest_risk_level")

TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)).flatmap(  # noqa: DTZ001
    lambda naive: st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    )
)
st.register_type_strategy(datetime, TIMES)
st.register_type_strategy(Ratio, st.builds(Ratio, st.integers(0, 10**18), st.integers(1, 10**18)))


def web_addresses(field):
    return st.text().map(lambda rest: f"https://{rest}") if "url" in field else None


def any_of(kind):
    """Build a mail of any content its types allow, web addresses apart."""
    hints = typing.get_type_hints(kind)
    readers = st.builds(
        a_reader,
        customer_name=st.text(),
        plan_name=st.text(),
        action_url=web_addresses("url"),
    )
    fields = {name: st.from_type(hint) for name, hint in hints.items()}
    fields |= {"reader": readers}
    if "invoice_url" in fields:
        fields["invoice_url"] = st.none() | web_addresses("url")
    fields |= {name: web_addresses("url") for name in ("page_url", "pdf_url") if name in fields}
    return st.builds(kind, **fields)


MAILS = st.one_of(*(any_of(kind) for kind in typing.get_args(Mail)))


@given(mail=MAILS)
def test_a_mail_survives_json_unchanged(mail):
    assert from_json(json.loads(json.dumps(to_json(mail)))) == mail


@given(mail=MAILS, to=st.text(), key=st.text())
def test_an_envelope_survives_json_unchanged(mail, to, key):
    envelope = Envelope(to=to, mail=mail, message_key=key)

    assert envelope_from_json(json.loads(json.dumps(envelope_to_json(envelope)))) == envelope


def test_the_samples_cover_every_kind_of_mail():
    assert {type(mail) for mail in every_mail().values()} == set(typing.get_args(Mail))


def test_a_name_that_a_newer_release_added_is_left_out():
    assert from_json(to_json(a_receipt()) | {"added_later": 1}) == a_receipt()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "unknown"},
        {"kind": None},
        {"kind": ["receipt"]},
        {"granted_micro": 1.5},
        {"granted_micro": True},
        {"granted_micro": "1"},
        {"paid_at": "2026-11-20T14:05:00"},
        {"paid_at": "yesterday"},
        {"paid_at": 5},
        {"purpose": "gift"},
        {"lines": {}},
        {"lines": [1]},
        {"lines": [{"description": "x"}]},
        {"reader": "Larkspur"},
        {"invoice_url": "javascript:alert(1)"},
        {"unit_price": {"num": 1, "den": 0}},
    ],
)
def test_what_is_no_mail_is_refused_by_name(change):
    with pytest.raises(InvalidInput):
        from_json(to_json(a_receipt()) | change)


@pytest.mark.parametrize("value", [None, [], "receipt", {}, 1])
def test_what_is_no_object_is_refused(value):
    for read in (from_json, envelope_from_json):
        with pytest.raises(InvalidInput):
            read(value)


def test_a_missing_name_is_refused():
    value = to_json(a_receipt())
    del value["granted_micro"]

    with pytest.raises(InvalidInput, match="granted_micro"):
        from_json(value)


def test_a_button_leads_to_a_web_page_only():
    with pytest.raises(InvalidInput):
        a_reader(action_url="javascript:alert(1)")


@pytest.mark.parametrize("code", sorted({*SENSITIVE, "do_not_honor", "", "something_new"}))
def test_a_sensitive_or_unknown_code_is_a_plain_decline(code):
    assert neutral_reason(code) is Reason.DECLINED


def test_every_hard_code_has_a_neutral_reason():
    assert all(isinstance(neutral_reason(code), Reason) for code in HARD_CODES)
    assert neutral_reason("expired_card") is Reason.EXPIRED_CARD
    assert neutral_reason("insufficient_funds") is Reason.INSUFFICIENT_FUNDS


def test_a_failure_holds_no_code_of_the_processor():
    facts = json.dumps(to_json(a_failure(reason=neutral_reason("stolen_card"))))

    assert not any(code in facts for code in SENSITIVE)


def test_the_message_id_depends_on_the_key_alone():
    one = Envelope(to="a@b.example", mail=a_receipt(), message_key="s1:auto:17")
    again = Envelope(to="c@d.example", mail=a_failure(), message_key="s1:auto:17")
    other = Envelope(to="a@b.example", mail=a_receipt(), message_key="s1:auto:18")

    assert one.message_id("acme.example") == again.message_id("acme.example")
    assert one.message_id("acme.example") != other.message_id("acme.example")
    left, _, domain = one.message_id("acme.example").strip("<>").partition("@")
    assert (UUID(left).version, domain) == (5, "acme.example")


def test_the_samples_share_one_action():
    assert {mail.reader.action_url for mail in every_mail().values()} == {ACTION}
