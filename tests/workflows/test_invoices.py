"""Invoices and cards on file, asked for through the subscription."""

from tests.builders import START


async def test_invoices_are_listed_and_mailed_once_to_the_finance_address(fleet):
    customer = await fleet.subscribe("core_10k")
    await customer.life.ask("set_finance_email", {"email": "finance@example.com"})
    await customer.buy("3000")

    listed = (await customer.life.ask("list_invoices", {}))["invoices"]
    wanted = {"key": "copy-1", "invoice": listed[0]["invoice"]}
    answers = [await customer.life.ask("mail_invoice", wanted) for _ in range(2)]

    assert [(one["amount_minor"], one["status"]) for one in listed] == [
        (270, "paid"),
        (900, "paid"),
    ]
    assert {one["to"] for one in answers} == {"finance@example.com"}
    assert addressed(customer) == {
        ("receipt", "finance@example.com"): 1,  # of the purchase, not of the period before
        ("invoice_copy", "finance@example.com"): 1,
    }


async def test_a_key_mails_one_invoice_to_one_address(fleet):
    customer = await fleet.subscribe("core_10k")
    await customer.buy("3000")
    newest, oldest = (
        one["invoice"] for one in (await customer.life.ask("list_invoices", {}))["invoices"]
    )
    wanted = {"key": "copy", "invoice": newest, "email": "ada@example.com"}
    assert (await customer.life.ask("mail_invoice", wanted))["to"] == "ada@example.com"

    for other in ({"email": "grace@example.com"}, {"invoice": oldest}):
        answer = await customer.life.ask("mail_invoice", wanted | other)
        assert answer["reason"] == "idempotency_conflict"

    again = await customer.life.ask("mail_invoice", {"key": "copy", "invoice": newest})
    assert again["to"] == "ada@example.com"
    assert addressed(customer) == {("invoice_copy", "ada@example.com"): 1}


async def test_an_invoice_of_another_customer_is_as_unknown_as_none(fleet):
    mine, theirs = await fleet.subscribe("core_10k"), await fleet.subscribe("core_10k")
    (invoice,) = (await theirs.life.ask("list_invoices", {}))["invoices"]

    answer = await mine.life.ask("mail_invoice", {"key": "k", "invoice": invoice["invoice"]})

    assert (answer["status"], answer["reason"]) == ("refused", "unknown_invoice")
    assert addressed(mine) == {}


async def test_a_card_on_file_becomes_the_one_that_is_charged(fleet):
    customer = await fleet.subscribe("core_10k")
    await customer.update_card("tok_mastercard")
    listed = (await customer.life.ask("list_payment_methods", {}))["payment_methods"]
    visa = next(one for one in listed if one["card"].startswith("Visa"))

    answer = await customer.life.ask(
        "use_payment_method", {"payment_method": visa["payment_method"]}
    )

    assert [one["card"] for one in listed if one["default"]] == ["Mastercard ···4444"]
    assert (answer["status"], answer["card"]) == ("done", "Visa ···4242")
    assert (await customer.life.status())["card"] == "Visa ···4242"


async def test_a_card_of_another_customer_is_refused_to_who_asks(fleet):
    mine, theirs = await fleet.subscribe("core_10k"), await fleet.subscribe("core_10k")
    (card,) = (await theirs.life.ask("list_payment_methods", {}))["payment_methods"]

    answer = await mine.life.ask("use_payment_method", {"payment_method": card["payment_method"]})

    assert answer["reason"] == "payment_method_of_another_customer"
    assert (await mine.use("1"))["status"] == "debited"
    assert (await mine.life.now()) >= START


def addressed(customer):
    rows = customer.rows(
        "SELECT payload -> 'mail' ->> 'kind', payload ->> 'to', count(*) FROM outbox"
        " WHERE account_id = %s AND topic = 'mail' GROUP BY 1, 2"
    )
    own = f"{customer.name}@example.com"
    return {(kind, to): number for kind, to, number in rows if to != own}
