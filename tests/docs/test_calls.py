"""No call of the engine's own code passes more than four things by their place."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "activities", "api", "catalogs", "commands", "domain", "gateways", "ledger", "local", "models",
    "workflows",
)  # fmt: skip
MOST = 4
Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees() -> dict[str, ast.Module]:
    files = [*ROOT.glob("*.py"), *(path for one in FOLDERS for path in (ROOT / one).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in files}


def own_names(modules: Iterator[ast.Module] | list[ast.Module]) -> set[str]:
    """Return what is defined here and takes a fixed number of arguments."""
    nodes = [node for module in modules for node in ast.walk(module)]
    fixed = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    fixed |= {node.name for node in nodes if isinstance(node, Function) and not node.args.vararg}
    return fixed - {n.name for n in nodes if isinstance(n, Function) and n.args.vararg}


def crowded(module: ast.Module, own: set[str]) -> Iterator[str]:
    for call in ast.walk(module):
        if not isinstance(call, ast.Call) or len(call.args) <= MOST:
            continue
        name = ast.unparse(call.func)
        # SQL's functions are called by place: SQLAlchemy knows no other way.
        if name.rpartition(".")[2] in own and not name.startswith("func."):
            yield f"line {call.lineno}: {name} with {len(call.args)}"


def test_no_call_passes_more_than_four_arguments_by_their_place():
    modules = trees()
    own = own_names(list(modules.values()))

    assert len(own) > 1_000
    found = {name: list(crowded(module, own)) for name, module in modules.items()}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_the_rule_sees_what_it_is_about():
    module = ast.parse(
        "def f(a, b, c, d, e): ...\n"
        "def g(*all): ...\n"
        "f(1, 2, 3, 4, 5)\nf(1, 2, 3, 4, e=5)\ng(1, 2, 3, 4, 5)\nfunc.f(1, 2, 3, 4, 5)\n"
    )
    assert list(crowded(module, own_names([module]))) == ["line 3: f with 5"]
