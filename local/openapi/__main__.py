"""`python -m local.openapi`: write docs/openapi.json as the code has it now, and its pages.

Whatever it takes away from the document of before must be named in CHANGELOG.md, in code marks.
"""

import json
import re
import sys
from pathlib import Path

from api.v1.endpoints.every import DOCUMENTS
from local.openapi.breaking import breaking
from local.openapi.reference import Reference

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
CHANGELOG = ROOT / "CHANGELOG.md"
NAMED = re.compile(r"`([^`\n]+ [^`\n]+)`")  # two words at least


def unsaid(old: bytes, new: bytes, changelog: str) -> list[str]:
    """Return what a new document takes away and the changelog's newest section does not name.

    It may name the end alone, which many operations share: `header Idempotency-Key pattern`.
    """
    named = tuple(f" {one}" for one in NAMED.findall(changelog.split("\n## [")[1]))
    found = breaking(json.loads(old), json.loads(new))
    return [name for name in found if not f" {name}".endswith(named)]


def pages(document: bytes) -> dict[str, str]:
    """Return the text of each page of a document, by its path in the repository."""
    return Reference(json.loads(document)).pages()


def main() -> int:
    """Write the document; return 1 if it takes away what nobody was told of."""
    new = DOCUMENTS.json
    if DOCUMENT.exists():
        found = unsaid(DOCUMENT.read_bytes(), new, CHANGELOG.read_text(encoding="utf-8"))
        if found:
            print("Breaking, and not in the newest section of CHANGELOG.md:")
            print(*(f"- `{name}`" for name in found), sep="\n")
            return 1
    DOCUMENT.write_bytes(new)
    for path, text in pages(new).items():
        (ROOT / path).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
