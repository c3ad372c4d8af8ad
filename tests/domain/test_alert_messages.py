"""Messages about alerts: which are accepted, and why others are refused."""

import json

import pytest

from domain.errors import InvalidInput
from domain.messages.alerts import parse_list_notices, parse_read_notices, parse_set_alerts
from domain.pricing.policies import Alert, Channel

BOTH = {"percent": 20, "channel": "both"}
AGAIN = {"rearm_on_purchase": True}


def parsed(parse, message):
    return parse(json.dumps(message).encode())


def test_thresholds_are_named_by_their_figures():
    wanted = parsed(
        parse_set_alerts, {"alerts": [BOTH, {"credits": "50.0", "channel": "email", **AGAIN}]}
    )

    assert wanted.thresholds == (
        Alert("20_percent", 20, None, Channel.BOTH),
        Alert("50_credits", None, 50_000_000, Channel.EMAIL, rearms=True),
    )


@pytest.mark.parametrize(("given", "thresholds"), [([], ()), (None, None)])
def test_none_switches_off_and_null_asks_for_the_plans(given, thresholds):
    assert parsed(parse_set_alerts, {"alerts": given}).thresholds == thresholds


@pytest.mark.parametrize(
    ("alerts", "reason"),
    [
        ("20", "invalid_threshold"),
        ([20], "invalid_threshold"),
        ([BOTH, BOTH], "invalid_threshold"),
        ([{"percent": n, "channel": "both"} for n in range(1, 12)], "invalid_threshold"),
        ([BOTH | {"percent": 0}], "invalid_threshold"),
        ([BOTH | {"percent": 100}], "invalid_threshold"),
        ([BOTH | {"percent": True}], "invalid_threshold"),
        ([BOTH | {"percent": 2.5}], "invalid_threshold"),
        ([BOTH | {"credits": "1"}], "invalid_threshold"),
        ([{"channel": "both"}], "invalid_threshold"),
        ([BOTH | {"channel": "pigeon"}], "invalid_threshold"),
        ([BOTH | {"channel": ["both"]}], "invalid_threshold"),
        ([{"credits": "0", "channel": "both"}], "invalid_quantity"),
        ([{"percent": 20}], "missing_field"),
        ([BOTH | {"colour": "red"}], "unknown_field"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_named(alerts, reason):
    with pytest.raises(InvalidInput) as refused:
        parsed(parse_set_alerts, {"alerts": alerts})
    assert refused.value.reason == reason


@pytest.mark.parametrize("notices", [None, "n", [1], ["n"] * 101])
def test_notices_are_read_by_their_ids(notices):
    with pytest.raises(InvalidInput) as refused:
        parsed(parse_read_notices, {"notices": notices})
    assert refused.value.reason == "malformed"
    assert parsed(parse_list_notices, {}) is False
