"""`cli.py catalog check` reports every fault and every edit of what was published, by line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import cli
from catalogs.reader import load_lists
from ledger import published
from local import state
from models.base import connect
from settings import CATALOGS

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No deployment but the one that a test names."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv(state.HOME, str(tmp_path / "none"))


@pytest.fixture
def deployment(monkeypatch, database):
    """A database in which our own price lists are published."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    engine = connect(database.url)
    published.take_up(engine, load_lists(CATALOGS), NOW)
    engine.dispose()


def edited(folder: Path, old: str, new: str) -> Path:
    text = (CATALOGS / "make.yaml").read_text(encoding="utf-8")
    assert old in text
    file = folder / "make.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["make", "salestools", "scalenut", "zaplify", "schematic"])
def test_our_own_price_lists_are_sound(name, capsys):
    assert cli.main(["catalog", "check", str(CATALOGS / f"{name}.yaml")]) == 0
    assert "valid" in capsys.readouterr().out


def test_every_fault_is_told_with_its_line(tmp_path, capsys):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("plans: 5\nnonsense: 1\nnonsense: 2\n")
    assert cli.main(["catalog", "check", str(wrong)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wrong.yaml:3: ") and "twice" in line for line in told)
    assert len(told) > 1


def test_whoever_sells_credits_for_a_fraction_of_their_price_is_warned_by_line(capsys, tmp_path):
    assert cli.main(["catalog", "check", str(CATALOGS / "make.yaml")]) == 0
    warned = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert len(warned) == 1
    assert warned[0].startswith("warning: make.yaml:31: defaults.upgrade: `prorate` gives all")

    for fair in ("prorate_credits", "restart"):
        file = edited(tmp_path, "{value: prorate, assumed: true}", fair)
        assert cli.main(["catalog", "check", str(file)]) == 0
        assert "warning" not in capsys.readouterr().out


def test_whoever_serves_nothing_while_an_invoice_waits_is_warned_by_line(capsys, tmp_path):
    text = (CATALOGS / "examples" / "trusted_debits.yaml").read_text(encoding="utf-8")
    assert "payment_methods: {plan: [invoice], due_days: 30}" in text
    file = tmp_path / "trusted.yaml"
    for policy, warned in (("paid", True), ("processing", False)):
        file.write_text(text.replace("grant_on: processing", f"grant_on: {policy}"), "utf-8")
        assert cli.main(["catalog", "check", str(file)]) == 0
        told = capsys.readouterr().out
        assert ("until its transfer comes, up to 30 days" in told) == warned, told


def test_whoever_sells_net_and_gross_prices_in_one_list_is_warned_by_line(capsys, tmp_path):
    text = (CATALOGS / "examples" / "make_europe.yaml").read_text(encoding="utf-8")
    file = tmp_path / "europe.yaml"
    for behavior, warned in (("inclusive", True), ("exclusive", False)):
        file.write_text(text.replace("behavior: inclusive", f"behavior: {behavior}"), "utf-8")
        assert cli.main(["catalog", "check", str(file)]) == 0
        told = capsys.readouterr().out
        assert ("is net where the price is gross" in told) == warned, told


def test_a_list_that_is_as_it_was_published_passes(deployment, capsys):
    assert cli.main(["catalog", "check", str(CATALOGS / "make.yaml")]) == 0
    assert "keeps what was published" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("quantity: 10000}]", "quantity: 15000}]", "make.yaml:62: plans[2].allowances[0].quantity"),
        ("cost: 1", "cost: 7", "actions[0].rates[0].pay[0].cost"),
    ],
)
def test_an_edit_of_what_was_published_is_refused_with_its_line_and_the_ways_out(
    deployment, capsys, tmp_path, old, new, line
):
    assert cli.main(["catalog", "check", str(edited(tmp_path, old, new))]) == 1

    told = capsys.readouterr().out
    assert line in told.splitlines()[0]
    assert "a new version: the next `version`" in told
    assert "catalog rerate FILE" in told


def test_a_new_version_passes_and_is_told_as_new(deployment, capsys, tmp_path):
    plan = "  - id: core_10k\n    family: core\n"
    newer = f'{plan}    version: 2\n    name: Newer\n    price: "9.00"\n    allowances:'
    more = f"{newer} [{{type: credits, quantity: 15000}}]\n\n{plan}"

    assert cli.main(["catalog", "check", str(edited(tmp_path, plan, more))]) == 0

    assert "new: plan core_10k version 2" in capsys.readouterr().out


def test_it_says_when_it_could_not_compare(capsys, monkeypatch, new_database, postgres):
    list_of_ours = str(CATALOGS / "make.yaml")
    assert cli.main(["catalog", "check", list_of_ours]) == 0
    assert "not compared with what was published: no stack runs" in capsys.readouterr().out

    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert cli.main(["catalog", "check", list_of_ours]) == 0
    assert "the database is unreachable" in capsys.readouterr().out

    postgres.create_database("bare")
    monkeypatch.setenv("DATABASE_URL", postgres.database("bare").url)
    assert cli.main(["catalog", "check", list_of_ours]) == 0
    assert "not migrated" in capsys.readouterr().out
    postgres.drop_database("bare")
