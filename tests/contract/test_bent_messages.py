"""Every update, bent in every way: a named reason, the ledger as before, life goes on."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.reasons import CURES
from tests.contract.messages import SOUND, bent, raw, send
from tests.contract.terminal import unharmed
from tests.fleet import Customer
from workflows.subscription.mailbox import Mailbox
from workflows.subscription.workflow import Subscription

_UPDATES = workflow._Definition.must_from_class(Subscription).updates


def verdict(name: str, text: str) -> str | None:
    """Return the reason for which an update is turned away, or None."""
    validator = _UPDATES[name].validator
    assert validator is not None
    try:
        validator(SimpleNamespace(_mailbox=Mailbox()), raw(text.encode()))
    except ApplicationError as error:
        return error.type
    return None


def test_every_update_is_bent() -> None:
    assert set(SOUND) == {name for name in _UPDATES if name is not None}


@pytest.mark.parametrize("name", sorted(SOUND))
def test_a_door_lets_a_sound_message_in_and_no_bent_one(name: str) -> None:
    assert verdict(name, json.dumps(SOUND[name])) is None
    reasons = {what: verdict(name, text) for what, text in bent(name)}
    assert {what: why for what, why in reasons.items() if why not in CURES} == {}


async def test_every_update_is_refused_by_name_at_the_door(customer: Customer) -> None:
    async with unharmed(customer):
        for name, sound in SOUND.items():
            text = json.dumps(sound)
            more = json.dumps(sound | {"colour": "red"})
            got = await asyncio.gather(
                send(customer, name), send(customer, name, text, text), send(customer, name, more)
            )
            assert got == ["malformed", "malformed", "unknown_field"], name
