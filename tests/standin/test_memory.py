"""A restarted stand-in remembers, as Stripe would."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from local.stripe_standin.process import StandIn


@pytest.mark.parametrize("end", ["stopped", "killed", "killed while writing"])
def test_a_restarted_stand_in_remembers_objects_and_keys(tmp_path, connect, end):
    first = StandIn.start(tmp_path)
    client = connect(first)
    key = {"idempotency_key": "k"}
    customer = client.customers.create({"name": "Ann"}, key)
    card = client.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    gone = client.customers.create({"name": "Bob"})
    client.customers.delete(gone.id)
    if end != "stopped":
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    if end == "killed while writing":
        with (tmp_path / "stripe-standin.jsonl").open("a") as journal:
            journal.write('["customer","cus_half",{"id":')
    first.stop()
    for _ in range(2):
        again = StandIn.start(tmp_path)
        try:
            client = connect(again)
            assert client.customers.create({"name": "Ann"}, key).id == customer.id
            assert client.payment_methods.list({"customer": customer.id}).data[0].id == card.id
            assert client.customers.retrieve(gone.id).deleted
            with pytest.raises(stripe.InvalidRequestError):
                client.customers.retrieve("cus_half")
        finally:
            again.stop()


def test_it_takes_hundreds_of_requests_from_many_threads(standin, connect):
    def work(_):
        mine = connect(standin)
        return [mine.customers.create({"name": "A"}).id for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        made = [name for names in pool.map(work, range(4)) for name in names]
    assert len(set(made)) == 200
