"""Write the next migration from what changed in `ledger/sql`: `python -m migrations.draft NAME`.

A migration is never edited once it is released, so it has copies of the functions as they were.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
TODAY = HERE.parent / "ledger" / "sql"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
SHAPES = "-- What changes in tables, types, triggers; functions that are gone are dropped here.\n"
REVISION = '''"""{title}.

Revision ID: {revision}
"""

from pathlib import Path

from alembic import op

revision = "{revision}"
down_revision = "{before}"

SQL = Path(__file__).parent.parent / "sql" / revision
FILES = ({files})


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    # Functions name functions of later files.
    cursor.execute("SET LOCAL check_function_bodies = off")
    for name in FILES:
        cursor.execute((SQL / f"{{name}}.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("go forward with another migration, or restore a backup")
'''


def revisions(folder: Path) -> list[str]:
    """Return the revisions that there are, oldest first."""
    return sorted(path.name for path in (folder / "sql").iterdir() if path.is_dir())


def frozen(folder: Path) -> dict[str, str]:
    """Return each file of functions as the newest migration that has it left it."""
    found: dict[str, str] = {}
    for revision in revisions(folder):
        for path in sorted((folder / "sql" / revision / "functions").glob("*.sql")):
            found[path.stem] = path.read_text(encoding="utf-8")
    return found


def changed(folder: Path, today: Path) -> dict[str, str]:
    """Return the files of functions that no migration has as they are today."""
    known = frozen(folder)
    files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(today.glob("*.sql"))}
    return {name: text for name, text in files.items() if known.get(name) != text}


def draft(folder: Path, today: Path, name: str) -> Path:
    """Write the next revision; return its module. `shapes.sql` in it is for a person to write.

    Raises `ValueError` for a name that is no name of a file.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r:.60} names no migration: use letters, digits and underscores")
    *_, before = revisions(folder)
    revision = f"{int(before) + 1:04}"
    sql = folder / "sql" / revision
    (sql / "functions").mkdir(parents=True)
    for file, text in changed(folder, today).items():
        (sql / "functions" / f"{file}.sql").write_text(text, encoding="utf-8")
    (sql / "shapes.sql").write_text(SHAPES, encoding="utf-8")
    (sql / "privileges.sql").write_bytes((folder / "sql" / before / "privileges.sql").read_bytes())
    functions = sorted(path.stem for path in (sql / "functions").iterdir())
    files = ["shapes", *(f"functions/{one}" for one in functions), "privileges"]
    module = folder / "versions" / f"{revision}_{name}.py"
    title = name.replace("_", " ").capitalize()
    listed = ", ".join(f'"{one}"' for one in files)
    text = REVISION.format(title=title, revision=revision, before=before, files=listed)
    module.write_text(text, encoding="utf-8")
    return module


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{draft(HERE, TODAY, *sys.argv[1:2])}\n")
    except (TypeError, ValueError) as error:
        sys.exit(f"python -m migrations.draft NAME: {error}")
