"""The page about capacity computes: each figure is what its formula makes of the unit costs."""

import ast
import operator
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "capacity.md").read_text(encoding="utf-8")
UNIT = re.compile(r"^\| `(\w+)` \| ([\d,.]+) ", re.MULTILINE)
FIGURE = re.compile(r"^\| [^|`]+ \| `(\w+) = ([^`]+)` \| ([\d,.]+) ", re.MULTILINE)
USED = re.compile(r"\*\*([\d,.]+)\*\*[^(|\n]*\(`(\w+)`\)")
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def number(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))


def value(node: ast.expr, known: dict[str, float]) -> float:
    """Return what an expression of names, numbers and + - * / comes to."""
    match node:
        case ast.Name(name):
            return known[name]
        case ast.Constant(int() | float() as constant):
            return constant
        case ast.BinOp(left, how, right):
            return OPERATORS[type(how)](value(left, known), value(right, known))
    raise AssertionError(ast.dump(node))


def is_rounded(printed: str, exact: float) -> bool:
    """Return whether a printed number is the exact one, rounded to the digits that it shows."""
    whole, _, decimals = printed.replace(",", "").partition(".")
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0"))
    step = 10.0 ** (zeros - len(decimals))
    return abs(number(printed) - exact) <= step / 2 * 1.000_001


def figures() -> dict[str, tuple[str, float]]:
    """Return each figure by its name: as it is printed, and as it is computed."""
    known = {name: number(text) for name, text in UNIT.findall(PAGE)}
    found = {}
    for name, formula, printed in FIGURE.findall(PAGE):
        known[name] = value(ast.parse(formula, mode="eval").body, known)
        found[name] = (printed, known[name])
    return found


FIGURES = figures()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_what_its_formula_makes(name):
    printed, exact = FIGURES[name]

    assert is_rounded(printed, exact), f"{name} is {exact:,.4g}, not {printed}"


def test_every_row_is_read():
    formulas = re.findall(r"^\| .* = .* \|$", PAGE, re.MULTILINE)

    assert len(FIGURES) == len(formulas) > 15
    assert len(UNIT.findall(PAGE)) > 10


def test_what_is_said_of_a_figure_is_the_figure():
    said = USED.findall(PAGE)

    assert len(said) > 5
    assert [(text, name) for text, name in said if text.strip(".") != FIGURES[name][0]] == []
