"""The stand-in's memory: objects and idempotency keys, in a journal file when a folder is given."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

Json = dict[str, Any]


class Store:
    """Objects by id, by kind and by customer, in the order they were made."""

    def __init__(self, folder: Path | None) -> None:
        self.keys: dict[str, Json] = {}
        self._objects: dict[str, dict[str, Json]] = {}
        self._of_customer: dict[tuple[str, str], dict[str, Json]] = {}
        self._changed: dict[tuple[str, str], Json] = {}
        self._journal = self._open(folder) if folder else None

    def put(self, thing: Json) -> Json:
        """Add an object, or note that it was changed; kept for good by the next `commit`."""
        kind, name = thing["object"], thing["id"]
        self._objects.setdefault(kind, {})[name] = thing
        customer = thing.get("customer")
        if isinstance(customer, str) and customer:
            self._of_customer.setdefault((kind, customer), {})[name] = thing
        self._changed[kind, name] = thing
        return thing

    def find(self, kind: str, name: str) -> Json | None:
        """Return the object, if there is one."""
        return self._objects.get(kind, {}).get(name)

    def every(self, kind: str) -> list[Json]:
        """Return all objects of a kind, oldest first."""
        return list(self._objects.get(kind, {}).values())

    def of_customer(self, kind: str, customer: str) -> list[Json]:
        """Return the customer's objects of a kind, oldest first."""
        things = self._of_customer.get((kind, customer), {}).values()
        return [thing for thing in things if thing.get("customer") == customer]

    def remember(self, key: str, answer: Json) -> None:
        """Store the answer to an idempotency key."""
        self.keys[key] = answer
        self._changed["key", key] = answer

    def forget_keys(self) -> int:
        """Drop every idempotency key, as Stripe may after 24 hours; return how many."""
        forgotten = len(self.keys)
        self.keys.clear()
        self._changed["forget", ""] = {}
        return forgotten

    def commit(self) -> None:
        """Write what changed since the last commit."""
        if self._journal is not None and self._changed:
            self._journal.writelines(map(_line, _rows(self._changed)))
            self._journal.flush()
        self._changed.clear()

    def close(self) -> None:
        """Write what is left and close the journal."""
        self.commit()
        if self._journal is not None:
            self._journal.close()

    def _open(self, folder: Path) -> IO[str]:
        """Read the journal, write it anew without what is outdated, and go on with that one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "stripe-standin.jsonl"
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                self._load(lines)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as target:
            for kind, things in self._objects.items():
                target.writelines(_line([kind, name, thing]) for name, thing in things.items())
            target.writelines(_line(["key", name, value]) for name, value in self.keys.items())
        fresh.replace(path)
        return path.open("a", encoding="utf-8")

    def _load(self, lines: Iterator[str]) -> None:
        for line in lines:
            if not line.endswith("\n"):
                break  # the last line of a process that was killed while writing
            kind, name, value = json.loads(line)
            if kind == "key":
                self.keys[name] = value
            elif kind == "forget":
                self.keys.clear()
            else:
                self.put(value)
        self._changed.clear()


def _rows(changed: dict[tuple[str, str], Json]) -> Iterator[list[Any]]:
    for (kind, name), value in changed.items():
        yield [kind, name, value]


def _line(row: list[Any]) -> str:
    return json.dumps(row, separators=(",", ":")) + "\n"
