"""Packs and bonuses: bought, given."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.purchases.bonuses import Gift, GiftActivities
    from activities.purchases.offers import OfferActivities
    from domain.messages.purchases import BuyPack, GiveBonus
from workflows.options import LEDGER, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused


class PurchaseCarriers:
    """Carries out purchases of packs and gifts of bonuses."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {"buy_pack": self._buy_pack, "give_bonus": self._give_bonus}

    async def _buy_pack(self, wanted: BuyPack, ticket: int) -> Answer | None:
        buyer = self._context.settler.buyer()
        purchase = await workflow.execute_activity_method(
            OfferActivities.open_pack,
            args=[buyer, wanted.key, wanted.pack_id, wanted.count],
            summary=short(f"open {wanted.count} of pack {wanted.pack_id}"),
            **LEDGER,
        )
        return self._context.asked_for(purchase, buyer.window.end, ticket)

    async def _give_bonus(self, wanted: GiveBonus, _ticket: int) -> Answer:
        given = await workflow.execute_activity_method(
            GiftActivities.give_bonus,
            Gift(self._context.settler.buyer(), wanted),
            summary=short(f"give {wanted.bonus_id} for {wanted.invitee}"),
            **LEDGER,
        )
        if given.status not in ("given", "repeated"):
            return refused(given.status)
        if given.credit_type == self._state.plan_in_force().credit_type:
            self._state.available_micro = given.available_micro
            self._state.balance_as_of = workflow.now()
            self._state.credits_came(workflow.now())
        return {
            "status": given.status,
            "credits": credit_text(given.quantity_micro),
            "available": credit_text(given.available_micro),
        }
