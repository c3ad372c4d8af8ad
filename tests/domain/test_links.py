"""Links are signed with the newest secret and accepted by any that is live."""

from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from domain.mails.links import (
    account_link,
    approval_link,
    approval_token,
    billing_link,
    is_approver,
    is_genuine,
    link_token,
)

SECRETS = st.lists(st.text(min_size=32), min_size=2, max_size=2, unique=True)
IDS = st.text(min_size=1)


@given(SECRETS, IDS)
def test_a_link_opens_until_its_secret_is_gone(secrets, name):
    old, new = secrets
    token = link_token((old,), name)

    assert is_genuine((old,), name, token)
    assert is_genuine((new, old), name, token)
    assert not is_genuine((new,), name, token)
    assert link_token((new, old), name) == link_token((new,), name)


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
    for link in (account_link("", live, name), billing_link("", live, name)):
        assert link.rpartition("/")[2] == link_token(live[:1], name)
    mailed = urlsplit(approval_link("", live, name, "k", "m"))
    assert parse_qs(mailed.query)["token"] == [approval_token(live[:1], name, "k", "m")]
