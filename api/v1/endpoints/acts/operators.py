"""What operators do; who does it and why is always kept."""

from api.v1.endpoint import Link
from api.v1.endpoints import schemas
from api.v1.endpoints.acts import acting
from api.v1.endpoints.acts.acting import PREVIEW, Message, shown
from domain.api_keys import Scope
from domain.messages.corrections import parse_correct
from domain.messages.operators import parse_adjust_credits, parse_operator_note, parse_resume
from domain.messages.refunds import parse_refund
from domain.money import MOST_CHARGE_MINOR

TEXT = schemas.TEXT
WHO = {"reason": TEXT, "by": TEXT}
ANN = {"reason": "counted twice", "by": "ann"}
AMOUNT: schemas.Schema = {
    "oneOf": [
        {"type": "integer", "minimum": 1, "maximum": MOST_CHARGE_MINOR},
        {"const": "all", "description": "What the charge's unused credits cost."},
    ]
}

SAME_NOTE = {name: f"$request.body#/{name}" for name in WHO}

OPERATORS = (
    acting.customers(
        "/adjustments",
        Message("adjust_credits", parse_adjust_credits),
        "Give or take credits.",
        schemas.closed({"credits": schemas.SIGNED, **WHO}, approved_by=TEXT),
        *("approval_required", "insufficient_credits", "invalid_quantity"),
        scope=Scope.OPERATOR,
        examples=(shown("Goodwill", {"credits": "100", **ANN}),),
    ),
    acting.customers(
        "/corrections",
        Message("correct", parse_correct),
        "Reduce an event's quantity.",
        schemas.closed({"event": schemas.KEY, "quantity": schemas.NOTHING_OR_QUANTITY, **WHO}),
        *(
            "invalid_quantity",
            "unknown_event",
            "not_less",
            "event_free",
            "event_held",
            "bought_for_ever",
        ),
        scope=Scope.OPERATOR,
        examples=(shown("It was less", {"event": "job-20", "quantity": "12", **ANN}),),
    ),
    acting.customers(
        "/refunds",
        Message("refund", parse_refund),
        "Refund money of a charge.",
        schemas.closed(
            {"charge_id": TEXT, "amount_minor": AMOUNT, **WHO},
            preview=PREVIEW,
            exception={"type": "boolean", "description": "Even if sold without refunds."},
        ),
        *("unknown_charge", "charge_not_paid", "charge_disputed", "above_refundable"),
        *("not_refundable", "refund_failed", "invalid_amount"),
        scope=Scope.OPERATOR,
        examples=(
            shown(
                "What could be refunded",
                {"charge_id": "acme:manual:order-7", "amount_minor": "all", **ANN, "preview": True},
            ),
        ),
    ),
    acting.customers(
        "/pause",
        Message("pause", parse_operator_note, keyed=False),
        "Pause metered actions, charges and renewals.",
        schemas.closed(WHO),
        "already_paused",
        scope=Scope.OPERATOR,
        examples=(shown("Fraud?", {"reason": "fraud check", "by": "ann"}),),
        links=(Link("resume", "post_customers_id_resume", acting.OF_PATH, SAME_NOTE),),
    ),
    acting.customers(
        "/resume",
        Message("resume", parse_resume, keyed=False),
        "End an operator's pause.",
        schemas.closed(WHO, keep_anchor={"type": "boolean"}),
        "not_paused",
        scope=Scope.OPERATOR,
        examples=(shown("All clear", {"reason": "all clear", "by": "ann"}),),
    ),
)
