"""Messages about teams: which are accepted, and why others are refused."""

import json

import pytest

from domain.errors import InvalidInput
from domain.messages import teams
from domain.reasons import CURES
from domain.teams.members import Member, Role, Share, monthly_goal, share_of

ADA = {"member": "ada", "name": "Ada", "email": "ada@example.com"}
CREDIT = 1_000_000


def reason(parse, message):
    with pytest.raises(InvalidInput) as refusal:
        parse(message if isinstance(message, bytes) else json.dumps(message).encode())
    assert refusal.value.reason in CURES
    return refusal.value.reason


def test_a_member_has_usual_values_for_what_is_left_out():
    parsed = teams.parse_set_member(json.dumps(ADA).encode())

    assert parsed == Member("ada", "Ada", "ada@example.com", Role.MEMBER, restricted=False)


def test_a_member_is_read_whole():
    message = ADA | {"role": "admin", "restricted": True, "limits": {"b": "0", "a": "200.5"}}

    parsed = teams.parse_set_member(json.dumps(message).encode())

    assert (parsed.role, parsed.restricted) == (Role.ADMIN, True)
    assert parsed.limits == (("a", 200_500_000), ("b", 0))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"member": ""}, "invalid_id"),
        ({"member": "a b"}, "invalid_id"),
        ({"member": "a" * 65}, "invalid_id"),
        ({"member": 7}, "invalid_id"),
        ({"name": ""}, "malformed"),
        ({"name": "a\x00"}, "malformed"),
        ({"email": "ada"}, "invalid_email"),
        ({"role": "king"}, "malformed"),
        ({"role": None}, "malformed"),
        ({"role": ["admin"]}, "malformed"),
        ({"restricted": "yes"}, "malformed"),
        ({"limits": []}, "malformed"),
        ({"limits": {str(n): "1" for n in range(21)}}, "malformed"),
        *(({"limits": {"credits": bad}}, "invalid_credits") for bad in ("-1", "", "1e3", 5, None)),
        *(({"limits": {"credits": bad}}, "invalid_credits") for bad in ("0.0000001", "NaN")),
        ({"limit": "5"}, "unknown_field"),
    ],
)
def test_what_is_no_member_is_refused_by_name(fields, wanted):
    assert reason(teams.parse_set_member, ADA | fields) == wanted


@pytest.mark.parametrize("missing", ADA)
def test_a_member_without_a_field_is_refused(missing):
    message = {name: value for name, value in ADA.items() if name != missing}

    assert reason(teams.parse_set_member, message) == "missing_field"


def test_a_removal_names_the_member_only():
    assert teams.parse_remove_member(b'{"member": "ada"}') == "ada"
    assert reason(teams.parse_remove_member, {}) == "missing_field"
    assert reason(teams.parse_remove_member, {"member": None}) == "invalid_id"
    assert reason(teams.parse_remove_member, b"[]") == "malformed"


def test_the_monthly_goal_of_five_people_with_twelve_thousand_a_year_is_two_hundred():
    assert monthly_goal(12_000 * CREDIT, members=5, months=12) == 200 * CREDIT


def test_a_monthly_goal_is_half_up_and_nobody_has_none():
    assert monthly_goal(500 * CREDIT, members=7, months=1) == 71_428_571
    assert monthly_goal(500 * CREDIT, members=0, months=1) is None
    assert monthly_goal(500 * CREDIT, members=7, months=0) is None


@pytest.mark.parametrize(
    ("used", "team", "members", "share"),
    [
        (150, 200, 2, Share.HIGH),  # the average is 100
        (149, 200, 2, Share.USUAL),
        (51, 200, 2, Share.USUAL),
        (50, 200, 2, Share.LOW),
        (0, 0, 3, Share.USUAL),
        (9, 9, 1, Share.USUAL),
    ],
)
def test_who_uses_much_or_little_is_told_by_the_average(used, team, members, share):
    assert share_of(used, team, members) is share
