"""What every state of an invoice comes to: the page shows the whole table."""

from pathlib import Path

from domain.payments.processor_states import INVOICES, TABLE, Case

README = Path("domain/README.md").read_text(encoding="utf-8")
PAYMENTS = tuple(dict.fromkeys(payment for _, payment in TABLE))


def words(case: Case) -> str:
    """Return a case as the README writes it."""
    return case.name.lower().replace("_", " ")


def table() -> str:
    """Return the whole table as the README writes it."""
    head = "| " + " | ".join(("default payment", *INVOICES)) + " |"
    rows = (
        "| " + " | ".join((payment, *(words(TABLE[one, payment]) for one in INVOICES))) + " |"
        for payment in PAYMENTS
    )
    return "\n".join((head, "|" + " --- |" * (len(INVOICES) + 1), *rows))


def test_the_readme_shows_the_table() -> None:
    assert table() in README, table()


def test_the_readme_says_what_follows_from_every_case() -> None:
    _, _, rest = README.partition("| case | what follows |\n| --- | --- |\n")
    rows = rest.partition("\n\n")[0].splitlines()
    told = [case for row in rows for case in row.split(" | ")[0].removeprefix("| ").split(", ")]
    assert sorted(told) == sorted(words(case) for case in Case)
