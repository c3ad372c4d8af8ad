"""The wheel, built from the sources and installed beside its one dependency."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import drawdown_client
import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients/python"
UV = Path(sys.executable).parent / "uv"
MODULES = sorted((PACKAGE / "src").rglob("*.py"))


def run(*words, cwd):
    clean = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def imported(module):
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)


def test_it_imports_the_standard_library_and_one_package():
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (dependency,) = project["dependencies"]

    others = {name for module in MODULES for name in imported(module)} - sys.stdlib_module_names

    assert others == {"drawdown_client", "httpx2"}
    assert dependency.startswith("httpx2")


def test_its_licence_is_the_engines():
    assert (PACKAGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.long
@pytest.mark.xdist_group("installed")
def test_the_wheel_works_in_a_fresh_environment(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, source, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    python = tmp_path / "venv/bin/python"
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    lock = ROOT / "requirements-dev.lock"
    run(UV, "pip", "install", "--quiet", "--python", python, "-c", lock, wheel, cwd=tmp_path)

    names = set(zipfile.ZipFile(wheel).namelist())
    told = run(
        python, "-c",
        "import drawdown_client as d; d.Drawdown('http://127.0.0.1:9', 'dd_x').close();"
        "print(d.__file__, *d.__all__)",
        cwd=tmp_path,
    )  # fmt: skip

    assert {str(one.relative_to(PACKAGE / "src")) for one in MODULES} <= names
    assert "drawdown_client/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert str(tmp_path / "venv") in told
    assert set(drawdown_client.__all__) <= set(told.split())
