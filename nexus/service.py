"""The service as it is on the wire: one JSON object in, one JSON object out.

Callers declare it with objects instead (docs/nexus.md). Here messages stay raw, so that the parsers
of `domain/messages` read the very text that was sent.
"""

import nexusrpc
from temporalio.common import RawValue

from domain.messages.answers import Answer

NAME = "drawdown"


@nexusrpc.service(name=NAME)
class Drawdown:
    """Usage, holds and balances, decided by the ledger with no workflow in between."""

    consume: nexusrpc.Operation[RawValue, Answer]
    hold: nexusrpc.Operation[RawValue, Answer]
    capture: nexusrpc.Operation[RawValue, Answer]
    extend: nexusrpc.Operation[RawValue, Answer]
    release: nexusrpc.Operation[RawValue, Answer]
    balance: nexusrpc.Operation[RawValue, Answer]
