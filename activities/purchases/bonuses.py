"""Credits given: bonuses for events outside billing, starters for new customers."""

import json
from dataclasses import dataclass

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.purchases.buyers import Buyer
from activities.purchases.grants import ends_of
from activities.uninterrupted import uninterrupted
from domain.burn import tie_keys
from domain.errors import InvalidInput
from domain.mails.notices import BonusGiven
from domain.messages.purchases import GiveBonus
from domain.outcomes import Outcome, Undecided
from domain.pricing.catalog import Bonus, gift_ends
from ledger import accounts, balances, grants
from ledger.grants import GrantOrder


@dataclass(frozen=True, slots=True)
class BonusGift:
    """A bonus that somebody earned for the customer."""

    buyer: Buyer
    wanted: GiveBonus


@dataclass(frozen=True, slots=True)
class Given:
    """The outcome of a bonus (`given`, `repeated`, or a reason) and the balance."""

    status: str
    credit_type: str = ""
    quantity_micro: int = 0
    available_micro: int = 0


class BonusActivities:
    """Bonuses, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="give_bonus")
    def give_bonus(self, gift: BonusGift) -> Given:
        """Give a bonus once per invitee."""
        buyer, wanted = gift.buyer, gift.wanted
        if wanted.invitee == buyer.customer_id:
            return Given("own_referral")
        try:
            bonus = self._context.catalog(buyer.plan.catalog).bonus(wanted.bonus_id)
        except InvalidInput as error:
            return Given(error.reason)
        expires_at = wanted.ends(buyer.at, gift_ends(bonus, buyer.at, ends_of(buyer)))
        plan = buyer.plan
        order = GrantOrder(
            key=f"bonus:{bonus.bonus_id}:{wanted.invitee}",
            source="bonus",
            credit_type=bonus.credit_type,
            quantity_micro=bonus.quantity_micro,
            priority=plan.priorities.bonus,
            effective_at=buyer.at,
            expires_at=expires_at,
            ties=tie_keys(plan.tie_break, 0, bonus.quantity_micro, buyer.at),
            currency=plan.currency,
            tags=_content(wanted),
        )
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            known = grants.given(connection, buyer.account_id, order.key)
            named = wanted.expires_at is not None or wanted.valid_days is not None
            if known and named and not grants.is_content(connection, buyer.account_id, order):
                return Given("idempotency_conflict")
            if not known:
                if wanted.expires_at is not None and wanted.expires_at <= buyer.at:
                    return Given("invalid_expiry")
                if expires_at is not None and expires_at <= buyer.at:
                    return Given(
                        Undecided.RENEWAL_PENDING
                    )  # without a window the credits would expire at once
                grants.give(connection, buyer.account_id, order, buyer.at)
            available = balances.available(
                connection, buyer.account_id, bonus.credit_type, buyer.at
            )
            if not known:
                desk = Desk(self._context, connection, buyer.account_id, buyer.subscription_id)
                desk.post(order.key, _told(desk, buyer, bonus, order, available=available))
        quantity = known or bonus.quantity_micro
        return Given(
            Outcome.REPEATED if known else Outcome.GIVEN, bonus.credit_type, quantity, available
        )


def _told(
    desk: Desk, buyer: Buyer, bonus: Bonus, order: GrantOrder, *, available: int
) -> BonusGiven:
    return BonusGiven(
        reader=desk.reader(buyer.plan, bonus.credit_type),
        name=bonus.name,
        given_micro=bonus.quantity_micro,
        expires_at=order.expires_at,
        balance_micro=available,
    )


def _content(wanted: GiveBonus) -> str:
    """Return what the journal keeps; an end of its own belongs to the content."""
    facts: dict[str, object] = {"bonus": wanted.bonus_id, "invitee": wanted.invitee}
    if wanted.expires_at is not None:
        facts["expires_at"] = wanted.expires_at.isoformat()
    if wanted.valid_days is not None:
        facts["valid_days"] = str(wanted.valid_days)
    return json.dumps(facts)
