"""The engine installed from its lock alone: the image's tree, and the wheel.

Docker cannot run everywhere; the steps of deploy/Dockerfile can.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from local.postgres import Database, Postgres
from settings import NAMES
from tests.deployment import environment

# In one process: an installation is made once for all.
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("installed")]

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).parent / "uv"
FOREIGN = {*NAMES, "VIRTUAL_ENV", "PYTHONPATH", "DRAWDOWN_HOME"}
CLEAN = {name: text for name, text in os.environ.items() if name not in FOREIGN}
MISSING = "DATABASE_URL is missing"
DATA = {".yaml", ".sql", ".j2", ".gz", ".py"}

Run = Callable[..., subprocess.CompletedProcess[str]]


def uv(*words: str | Path) -> None:
    ended = subprocess.run([UV, *words], env=CLEAN, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def make_environment(folder: Path, *packages: str | Path, lock: str = "requirements.lock") -> Path:
    """Return the Python of a fresh environment with what the lock holds, and `packages` alone."""
    python = folder / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, folder)
    install = ("pip", "install", "--quiet", "--python", python)
    uv(*install, "--require-hashes", "-r", ROOT / lock)
    for package in packages:
        uv(*install, "--no-deps", package)
    return python


def runner(python: Path, folder: Path) -> Run:
    def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *words],
            cwd=folder, env=CLEAN | settings, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The tree that deploy/Dockerfile copies, with the environment that it makes."""
    left_out = (ROOT / "deploy/Dockerfile.dockerignore").read_text().split("\n")
    tree = tmp_path_factory.mktemp("image")
    for path in ROOT.iterdir():
        if not any(fnmatch(path.name, line) for line in left_out):
            copy(path, tree / path.name)
    assert not (tree / "local").exists()
    return runner(make_environment(tree / ".venv"), tree)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources to build from: building leaves folders behind."""
    tree = tmp_path_factory.mktemp("source")
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in {"tests", "benchmarks", "build"}:
            copy(path, tree / path.name)
    return tree


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    uv("build", "--quiet", "--wheel", "--out-dir", source / "dist", source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The wheel, run from a folder that holds nothing."""
    python = make_environment(tmp_path_factory.mktemp("installed") / "venv", wheel)
    return runner(python, tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[Database]:
    """A database that is not migrated."""
    postgres.create_database("installed")
    yield postgres.database("installed")
    postgres.drop_database("installed")


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_an_image_with_traces_can_load_them(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "venv", lock="requirements-otel.lock")
    loaded = runner(python, ROOT)(
        "-c",
        "import opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter",
    )
    assert loaded.returncode == 0, loaded.stderr


def test_the_image_has_a_worker_that_asks_for_its_settings(image):
    assert image("worker.py", "--help").returncode == 0
    ended = image("worker.py")
    assert ended.returncode == 2
    assert MISSING in ended.stderr


def test_the_image_has_the_api(image):
    source = "from api import heads, main; print(len(main.create_app({}).pages.routes))"
    ended = image("-c", source)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 0


def test_the_image_has_the_commands_of_operators(image):
    shown = image("cli.py", "--help")
    assert shown.returncode == 0, shown.stderr
    assert image("cli.py", "catalog", "check", "catalogs/make.yaml").returncode == 0
    refused = image("cli.py", "demo")
    assert refused.returncode == 2
    assert refused.stderr.startswith("toolbox_missing: ")


def test_the_image_migrates_a_database_and_reads_its_books(image, empty_database):
    migrated = image("-m", "alembic", "upgrade", "head", DATABASE_URL=empty_database.owner_url)
    assert migrated.returncode == 0, migrated.stderr
    told = image("cli.py", "report", "movement", **environment(empty_database.url))
    assert told.returncode == 0, told.stderr


def test_the_wheel_holds_every_file_that_runs(wheel, installed):
    listing = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')"
    names = set(installed("-c", listing, wheel).stdout.splitlines())
    folders = [path for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()]
    needed = {
        str(path.relative_to(ROOT))
        for folder in (*folders, ROOT / "templates")
        if folder.name not in {"tests", "benchmarks"}
        for path in folder.rglob("*")
        if path.suffix in DATA
    } | {"cli.py", "settings.py", "worker.py"}
    assert len(needed) > 300
    assert needed <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_wheel_runs_from_any_folder(installed, empty_database):
    checked = installed("-m", "cli", "catalog", "check", ROOT / "catalogs/make.yaml")
    assert checked.returncode == 0, checked.stderr
    assert MISSING in installed("-m", "worker").stderr
    settings = environment(empty_database.url)
    early = installed("-m", "worker", **settings)
    assert "database is at nothing" in early.stderr
    owner = settings | {"DATABASE_URL": empty_database.owner_url}
    migrated = installed("-m", "cli", "migrate", **owner)
    assert migrated.returncode == 0, migrated.stderr
    told = installed("-m", "cli", "report", "movement", **settings)
    assert told.returncode == 0, told.stderr


def test_the_wheel_with_the_packages_of_the_toolbox_simulates(wheel, tmp_path):
    python = make_environment(tmp_path / "venv", wheel, lock="requirements-dev.lock")
    run = runner(python, tmp_path)
    ended = run("-m", "cli", "simulate", "make", "--plan", "core_10k", "--months", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "simulation.csv").stat().st_size > 0
