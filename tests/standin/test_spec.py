"""The stand-in is held to Stripe's published description, and the checker can say no."""

import pytest

from local.stripe_spec.checker import Spec
from local.stripe_spec.cut import PATHS
from local.stripe_standin.api import Api
from local.stripe_standin.faults import Faults
from local.stripe_standin.routes import ROUTES
from local.stripe_standin.server import Request
from local.stripe_standin.store import Store
from local.stripe_standin.webhooks import Webhooks
from local.stripe_standin.world import PREFIXES, World

SPEC = Spec()


def operation(name):
    method, path = name.split(" ")
    found = SPEC.operation(method, path.replace("{", "").replace("}", ""))
    assert found is not None
    return found[0]


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_everything_it_answers_is_an_operation_of_stripe(name):
    assert operation(name).name == name


def test_nothing_is_kept_of_the_description_that_nobody_answers():
    answered = {name.split(" ")[1] for name in ROUTES}
    assert set(PATHS) == answered


@pytest.mark.parametrize("kind", sorted(PREFIXES))
def test_the_emptiest_object_of_each_kind_is_valid(kind):
    assert SPEC.answers.violations(SPEC.answers.named(kind), SPEC.answers.blank(kind)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount_due": "12"}, "not of type integer"),
        ({"amount_due": True}, "not of type integer"),
        ({"status": "half_paid"}, "not one of"),
        ({"total": None}, "not of type integer"),
        ({"sum": 3}, "unknown"),
        ({"lines": {"object": "list"}}, "missing"),
        ({"default_tax_rates": {}}, "not a list"),
        ({"automatic_tax": []}, "not an object"),
        ({"metadata": {"charge_id": 7}}, "not of type string"),
    ],
)
def test_an_answer_that_breaks_the_description_is_found(change, said):
    invoice = SPEC.answers.blank("invoice") | change
    found = SPEC.answer_violations(operation("get /v1/invoices/{invoice}"), 200, invoice)
    assert found
    assert said in found[0]


async def test_an_answer_that_stripe_would_not_make_is_a_loud_server_error(caplog):
    store = Store(None)
    world = World(SPEC, store, Faults(), Webhooks(store))
    customer = world.new("customer", livemode=False)
    customer["shoe_size"] = 9
    headers = {"authorization": "Bearer sk_test_x"}
    request = Request(
        method="GET", path=f"/v1/customers/{customer['id']}", query="", headers=headers, body=b""
    )
    response = await Api(world).answer(request)
    assert response.status == 500
    assert world.violations == 1
    assert "shoe_size" in caplog.text
