"""What keeps the house easy to find one's way in: small folders, short files, short functions."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "activities", "api", "catalogs", "clients", "commands", "domain", "examples", "gateways",
    "ledger", "local", "migrations", "models", "nexus", "workflows",
)  # fmt: skip
MODULES, LINES, FUNCTION = 14, 350, 60


def modules() -> list[Path]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [path.relative_to(ROOT) for path in (*ROOT.glob("*.py"), *files)]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_folder_holds_more_modules_than_a_person_overlooks():
    held = Counter(path.parent for path in modules() if path.stem not in ("__init__", "__main__"))

    assert len(held) > 30
    assert {str(folder): many for folder, many in held.items() if many > MODULES} == {}


def test_no_file_is_longer_than_a_person_reads_at_once():
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    functions = [path.relative_to(ROOT) for path in (ROOT / "ledger/sql").glob("*.sql")]
    files = [*modules(), *tests, *functions]
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in files}

    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{path}: {function.name}"
        for path in modules()
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= FUNCTION
    ]
    assert long == []
