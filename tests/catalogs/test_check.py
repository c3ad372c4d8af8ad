"""`cli.py catalog check` says every fault with its line."""

import pytest

import cli
from settings import CATALOGS


@pytest.mark.parametrize("name", ["make", "salestools", "scalenut", "zaplify", "schematic"])
def test_our_own_price_lists_are_sound(name, capsys):
    assert cli.main(["catalog", "check", str(CATALOGS / f"{name}.yaml")]) == 0
    assert "sound" in capsys.readouterr().out


def test_every_fault_is_told_with_its_line(tmp_path, capsys):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("plans: 5\nnonsense: 1\nnonsense: 2\n")
    assert cli.main(["catalog", "check", str(wrong)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert any(line.startswith("wrong.yaml:3: ") and "twice" in line for line in told)
    assert len(told) > 1
