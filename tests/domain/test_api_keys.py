"""How a key is written, and what it may be used for."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.api_keys import ApiKey, Scope, digest_of, key_id_of, scopes_of, written
from domain.errors import InvalidInput

LOWER = string.ascii_lowercase + string.digits
IDS = st.text(LOWER, min_size=12, max_size=12)
SECRETS = st.text(string.ascii_letters + string.digits + "_-", min_size=43, max_size=43)
SOME = st.frozensets(st.sampled_from(Scope), min_size=1)


@given(IDS, SECRETS)
def test_the_id_of_a_key_is_read_from_it_whatever_its_secret(key_id, secret):
    assert key_id_of(written(key_id, secret)) == key_id


@given(st.text() | st.builds(str.__add__, st.builds(written, IDS, SECRETS), st.text(min_size=1)))
def test_what_is_written_like_no_key_has_no_id(text):
    assert key_id_of(text) is None


@given(st.builds(written, IDS, SECRETS), st.builds(written, IDS, SECRETS))
def test_two_keys_have_one_digest_only_if_they_are_one(one, other):
    assert (digest_of(one) == digest_of(other)) is (one == other)


@given(st.text(st.characters()))
def test_whatever_is_sent_has_a_digest(text):
    assert len(digest_of(text)) == 32


@given(SOME, st.sampled_from(Scope))
def test_a_scope_stands_for_itself_alone_but_admin_for_all(scopes, asked):
    assert ApiKey("a" * 12, scopes, None).allows(asked) is bool(scopes & {asked, Scope.ADMIN})


@given(SOME)
def test_scopes_are_read_by_their_names(scopes):
    assert scopes_of(map(str, scopes)) == scopes


@pytest.mark.parametrize("names", [(), ("root",), ("usage", "Read"), ("",)])
def test_an_unknown_scope_is_refused_and_so_is_none(names):
    with pytest.raises(InvalidInput) as refusal:
        scopes_of(names)
    assert refusal.value.reason == "unknown_scope"
