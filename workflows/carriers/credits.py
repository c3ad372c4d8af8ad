"""Extra credits: bought by hand, and the switch of auto-purchase."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.purchases.extra_credits import PurchaseActivities, Switch
    from activities.purchases.offers import OfferActivities
    from domain.messages.subscription import BuyCredits, SetAutoPurchase
from workflows.options import LEDGER, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, refused


class CreditCarriers:
    """Carries out what customers ask of extra credits."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "buy_credits": self._buy_credits,
            "set_auto_purchase": self._set_auto_purchase,
        }

    async def _buy_credits(self, wanted: BuyCredits, ticket: int) -> Answer | None:
        buyer = self._context.settler.buyer()
        purchase = await workflow.execute_activity_method(
            OfferActivities.open_manual,
            args=[buyer, wanted.key, wanted.quantity_micro],
            summary=short(f"open purchase {wanted.key}"),
            **LEDGER,
        )
        return self._context.asked_for(purchase, buyer.window.end, ticket)

    async def _set_auto_purchase(self, wanted: SetAutoPurchase, _ticket: int) -> Answer:
        status = await workflow.execute_activity_method(
            PurchaseActivities.set_auto_purchase,
            Switch(self._context.settler.buyer(), wanted.on),
            summary=f"auto-purchase {'on' if wanted.on else 'off'}",
            **LEDGER,
        )
        if status != "done":
            return refused(status)
        self._state.auto_purchase = wanted.on
        return {"status": "done", "auto_purchase": wanted.on}
