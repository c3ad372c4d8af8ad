"""What operators read about a request in the Temporal UI."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.teams.approvals import Decided, KnownRequest
    from domain.credits import format_credits
    from domain.teams.approvals import ApprovalName, Decision, State
from workflows import names
from workflows.subscription.mailbox import Answer, Mailbox
from workflows.subscription.operator_view import GAP, LONGEST_KEYWORD, cell, day


class ApprovalView:
    """Shows where a request stands; upserts search attributes only when they change."""

    def __init__(self, name: ApprovalName, mailbox: Mailbox) -> None:
        self._name = name
        self._mailbox = mailbox
        self._last_word = "nobody has decided"

    def note(self, decision: Decision, decided: Decided) -> None:
        """Remember the latest decision."""
        at = f"{workflow.now():%Y-%m-%d %H:%M}Z"
        self._last_word = f"{decision.by} at {at}: {decided.status}"

    def tell(self, request: KnownRequest, end: Decided | None) -> None:
        """Publish the current state."""
        state = end.state.value if end else request.approval.state.value
        known = workflow.info().typed_search_attributes
        keywords = {
            names.STATUS: state,
            names.PLAN: request.plan_id,
            names.CUSTOMER: request.approval.customer_id,
        }
        updates = [
            key.value_set(text[:LONGEST_KEYWORD])
            for key, text in keywords.items()
            if known.get(key) != text[:LONGEST_KEYWORD]
        ]
        if updates:
            workflow.upsert_search_attributes(updates)
        workflow.set_current_details(self._details(request, state, ended=end is not None))

    def _details(self, request: KnownRequest, state: str, *, ended: bool) -> str:
        """Return a table in Markdown, the most important row first."""
        kept = request.approval
        to_do = "nothing" if ended else "an admin of the team must decide; a mail asks them to"
        after = "" if ended else f", then it lapses: {day(kept.lapses_at)}"
        rows = [
            (f"**{state}**", f"{kept.member_name} asks for {request.what}"),
            ("**to do**", to_do),
            ("customer", f"{kept.customer_id} on {request.plan_id}"),
            ("asked", f"{day(kept.asked_at)}{after}"),
            ("note", kept.wish.note or "none"),
            ("last word", self._last_word),
            ("refused", self._mailbox.last_refusal or "nothing"),
        ]
        head, *lines = (f"| {label}{GAP}| {cell(text)} |" for label, text in rows)
        return "\n".join((head, "| :--- | :--- |", *lines))

    def status(self, request: KnownRequest | None, end: Decided | None) -> Answer:
        """Return where the request stands as JSON."""
        if request is None:
            return {
                "subscription": self._name.subscription_id,
                "key": self._name.key,
                "request": State.WAITING.value,  # not read yet
            }
        kept = request.approval
        held_until = end.held_until if end else None
        return {
            "subscription": self._name.subscription_id,
            "key": self._name.key,
            "customer": kept.customer_id,
            "request": end.state.value if end else kept.state.value,
            "kind": kept.wish.kind.value,
            "member": kept.wish.member_id,
            "what": request.what,
            "credits": format_credits(kept.wish.amount_micro),
            "credit_type": kept.wish.credit_type,
            "asked_at": kept.asked_at.isoformat(),
            "lapses_at": kept.lapses_at.isoformat(),
            "by": (end.decided_by if end else "") or None,
            "held_until": held_until.isoformat() if held_until else None,
        }
