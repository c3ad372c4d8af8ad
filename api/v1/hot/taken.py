"""What has been done for a request that goes the ordinary way after it was taken straight."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.usage import DebitOutcome

TAKEN = "taken"  # in the state of its scope


@dataclass(frozen=True, slots=True)
class Taken:
    """Its key's rate is counted (`rate`: the headers that tell it), its body read.

    `outcome` is what the ledger decided; None: decide anew. `error` is what it came to instead.
    """

    rate: Mapping[str, str]
    body: bytes
    outcome: DebitOutcome | None = None
    error: Exception | None = None
