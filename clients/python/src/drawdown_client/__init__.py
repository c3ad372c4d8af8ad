"""The client for products that charge credits through Drawdown's HTTP API."""

from drawdown_client.amounts import Amount
from drawdown_client.answers import (
    Captured,
    Check,
    Debited,
    Ending,
    Held,
    Outcome,
    Pending,
    Refusal,
    Renewal,
)
from drawdown_client.async_hold import AsyncHold
from drawdown_client.asynchronous import AsyncDrawdown
from drawdown_client.balances import (
    AutoPurchase,
    Balance,
    CreditType,
    Grant,
    OnItsWay,
    SentInvoice,
)
from drawdown_client.client import Drawdown
from drawdown_client.errors import (
    Conflict,
    DrawdownError,
    EngineFailed,
    InvalidRequest,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    PaymentRequired,
    Problem,
    Refused,
    StillPending,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from drawdown_client.events import Event
from drawdown_client.hold import Hold
from drawdown_client.reporting.reporter import Lag, Reporter
from drawdown_client.reporting.spool import RefusedEvent, SpoolError, SpoolFull

__all__ = [
    "Amount",
    "AsyncDrawdown",
    "AsyncHold",
    "AutoPurchase",
    "Balance",
    "Captured",
    "Check",
    "Conflict",
    "CreditType",
    "Debited",
    "Drawdown",
    "DrawdownError",
    "Ending",
    "EngineFailed",
    "Event",
    "Grant",
    "Held",
    "Hold",
    "InvalidRequest",
    "Lag",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "OnItsWay",
    "Outcome",
    "PaymentRequired",
    "Pending",
    "Problem",
    "Refusal",
    "Refused",
    "RefusedEvent",
    "Renewal",
    "Reporter",
    "SentInvoice",
    "SpoolError",
    "SpoolFull",
    "StillPending",
    "TooManyRequests",
    "Unavailable",
    "UnexpectedAnswer",
]
