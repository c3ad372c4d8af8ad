"""Links are signed with the newest secret, accepted by any that is live, and know their mail."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from domain.mails.links import (
    Mailed,
    Opens,
    account_link,
    approval_link,
    approval_token,
    billing_link,
    invoices_link,
    is_approver,
    link_token,
    mailed,
    undated_token,
)

SECRETS = st.lists(st.text(min_size=32), min_size=2, max_size=2, unique=True)
IDS = st.text(min_size=1)
WHAT = st.sampled_from(Opens)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AT = datetime(2027, 1, 1, tzinfo=UTC)


@given(SECRETS, WHAT, IDS, INSTANTS)
def test_a_link_says_its_mails_instant_until_its_secret_is_gone(secrets, opens, name, at):
    old, new = secrets
    token, mail = link_token((old,), opens, name, at), Mailed(at.replace(microsecond=0))
    assert mailed((old,), opens, name, token) == mail
    assert mailed((new, old), opens, name, token) == mail
    assert mailed((new,), opens, name, token) is None
    assert link_token((new, old), opens, name, at) == link_token((new,), opens, name, at)


@given(SECRETS, WHAT, IDS, INSTANTS, INSTANTS)
def test_nobody_makes_a_link_younger_or_opens_another_with_it(secrets, opens, name, at, other):
    token = link_token(tuple(secrets), opens, name, at)
    stamp, _, signature = token.partition("-")
    for edited in (f"{int(other.timestamp()):x}-{signature}", f"0{token}", signature, f"-{token}"):
        if edited != token:
            assert mailed(tuple(secrets), opens, name, edited) is None
    for another in Opens:
        if another is not opens:
            assert mailed(tuple(secrets), another, name, token) is None
    assert mailed(tuple(secrets), opens, f"{name}x", token) is None
    assert stamp == f"{int(at.timestamp()):x}"


@given(SECRETS, WHAT, IDS)
def test_a_link_of_before_has_no_instant(secrets, opens, name):
    token = undated_token(secrets[1], opens, name)
    assert mailed(tuple(secrets), opens, name, token) == Mailed(None)
    assert mailed((secrets[0],), opens, name, token) is None


@given(SECRETS, IDS, IDS, IDS)
def test_an_approvers_link_opens_until_its_secret_is_gone(secrets, name, key, member):
    old, new = secrets
    token = approval_token((old,), name, key, member)

    assert is_approver((old,), name, key, member, token=token)
    assert is_approver((new, old), name, key, member, token=token)
    assert not is_approver((new,), name, key, member, token=token)
    assert not is_approver((old,), name, key, f"{member}x", token=token)


@given(SECRETS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_mailed_carries_the_token_of_the_newest_secret(secrets, name):
    live = tuple(secrets)
    for opens, link in (
        (Opens.CONSOLE, account_link("", live, name, AT)),
        (Opens.CONSOLE, billing_link("", live, name, AT)),
        (Opens.INVOICES, invoices_link("", live, name, AT)),
    ):
        assert link.rpartition("/")[2] == link_token(live[:1], opens, name, AT)
    request = urlsplit(approval_link("", live, name, "k", "m"))
    assert parse_qs(request.query)["token"] == [approval_token(live[:1], name, "k", "m")]
