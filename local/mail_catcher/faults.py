"""Answers that a real mail server gives on a bad day, for chosen addresses."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

TRANSIENT, PERMANENT, BEYOND = 400, 500, 600  # RFC 5321, 4.2.1


class Stage(StrEnum):
    """Where in the conversation a mail is refused."""

    RECIPIENT = "recipient"  # nothing was taken
    STORED = "stored"  # the mail was taken and the answer says that it was not


@dataclass(frozen=True, slots=True)
class Fault:
    """Answer `code` to addresses like `to` (`*@gone.example`), `times` often, None = always."""

    to: str
    code: int
    stage: Stage = Stage.RECIPIENT
    times: int | None = None

    def __post_init__(self) -> None:
        if not TRANSIENT <= self.code < BEYOND or (self.times is not None and self.times < 1):
            raise ValueError("code is 400 to 599, times is at least 1 or null")

    @property
    def answer(self) -> str:
        """The line that the client reads."""
        why = "try again later" if self.code < PERMANENT else "mailbox unavailable"
        return f"{self.code} {why} (a fault switched on in the catcher)"


class Faults:
    """The faults that are switched on, first match first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults.clear()

    def take(self, address: str, stage: Stage) -> Fault | None:
        """Return the fault that hits an address now, and count it."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.stage is stage and fnmatchcase(address.lower(), fault.to.lower()):
                    self._count(index)
                    return fault
            return None

    def _count(self, index: int) -> None:
        fault = self._faults[index]
        if fault.times is None:
            return
        if fault.times > 1:
            self._faults[index] = replace(fault, times=fault.times - 1)
        else:
            del self._faults[index]
