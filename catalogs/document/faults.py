"""What is wrong with a document, what was asked of it, and where its values stand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Form(StrEnum):
    """What the value of a key is written as."""

    VALUE = "value"
    LIST = "list of values"
    SECTION = "mapping"
    SECTIONS = "list of mappings"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked of a key; `path` has `[]` for each item of a list.

    `default` is what holds without the key; `cure` is what a retired key is refused with.
    """

    path: str
    form: Form
    parse: Callable[[str], object] | None = None
    is_required: bool = False
    default: object = None
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its line, the path of keys to it there, its spelling if it is one."""

    line: int
    path: str
    text: str = ""


@dataclass(slots=True)
class Faults:
    """What is wrong with one document, each with its line and the path of keys to it.

    `asked` is every key that the reader asked for, as often as it did. `places` are those of the
    values that there were; one taken from the defaults stands there.
    """

    source: str
    asked: list[Asked] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    _warned: set[tuple[int, str]] = field(default_factory=set)
    _found: set[tuple[int, str]] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, path: str, reason: str, *, allowed: bool = False) -> None:
        """Note a fault; one that several readers meet (in defaults, in aliases) is noted once."""
        place = f"{self.source}:{line}: {path}: " if path else f"{self.source}:{line}: "
        (self._warned if allowed else self._found).add((line, place + reason))

    def listed(self, *, allowed: bool = False) -> tuple[str, ...]:
        """Return the faults, or what is `allowed` but costs the seller money, by line."""
        return tuple(text for _, text in sorted(self._warned if allowed else self._found))
