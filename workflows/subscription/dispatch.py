"""What updates and signals ask for, carried out by the loop one after the other."""

from temporalio.exceptions import ActivityError, ApplicationError

from workflows.carriers.alerts import AlertCarriers
from workflows.carriers.cards import CardCarriers
from workflows.carriers.credits import CreditCarriers
from workflows.carriers.found import FoundMoneyCarriers
from workflows.carriers.holds import HoldCarriers
from workflows.carriers.operators import OperatorCarriers
from workflows.carriers.papers import PaperCarriers
from workflows.carriers.plans import PlanCarriers
from workflows.carriers.purchases import PurchaseCarriers
from workflows.carriers.returns import ReturnCarriers
from workflows.carriers.teams import TeamCarriers
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, Command, refused

UNKNOWN = "internal_error"
# What makes sense before the first period is paid.
EARLY = (
    "payment_method_updated",
    "payer_changed",
    "use_payment_method",
    "retry_payment",
    "invoice_paid",
    "cancel",
    "findings_changed",
)


class Dispatch:
    """Hands each command to what carries it out, and answers it."""

    def __init__(self, context: Context) -> None:
        self._state = context.state
        self._mailbox = context.mailbox
        self._carriers: dict[str, Carrier] = {
            **CreditCarriers(context).carriers(),
            **PurchaseCarriers(context).carriers(),
            **PlanCarriers(context).carriers(),
            **OperatorCarriers(context).carriers(),
            **CardCarriers(context).carriers(),
            **FoundMoneyCarriers(context).carriers(),
            **PaperCarriers(context).carriers(),
            **TeamCarriers(context).carriers(),
            **ReturnCarriers(context).carriers(),
            **AlertCarriers(context).carriers(),
            **HoldCarriers(context).carriers(),
        }

    async def carry_out(self, command: Command) -> None:
        """Carry one command out and answer it."""
        try:
            answer = await self._decided(command)
        except ActivityError as error:
            answer = refused(_reason(error))
        if answer is None:
            return
        self._mailbox.answer(command.ticket, answer)
        if not command.ticket and answer["status"] == "refused":
            self._mailbox.refuse(None, f"{command.name}: {command.wanted}", answer["reason"])

    async def _decided(self, command: Command) -> Answer | None:
        hears = command.name == "invoice_paid" and self._state.awaits_money
        if (self._state.ended or self._state.ends_now) and not hears:
            return refused("subscription_ended")
        begun = self._state.period is not None
        if not begun and command.name not in EARLY:
            return refused("no_subscription")
        return await self._carriers[command.name](command.wanted, command.ticket)


def _reason(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or UNKNOWN if isinstance(cause, ApplicationError) else UNKNOWN
