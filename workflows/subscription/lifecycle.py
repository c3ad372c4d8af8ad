"""How a subscription begins, and how its periods are opened."""

from dataclasses import replace
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import PaymentActivities, Registration
    from activities.periods.activation import Beginning, Begun
    from activities.periods.lifecycle import KnownPayer, PeriodActivities
    from activities.periods.next_period import NextPeriod
    from domain.payments.charges import Charge, ChargeKind
    from domain.periods import Window
    from domain.plan_calendar import Calendar
    from domain.pricing.catalog import Plan
    from domain.pricing.promotions import LookedUp
    from domain.subscription import Arrears, OpenCharge, Start, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, PROCESSOR, of_a_period, short
from workflows.subscription.context import Context
from workflows.subscription.payments.promotions import UNAVAILABLE, looked_up


class Lifecycle:
    """Begins or recovers a subscription, and opens the charge of its next period."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    async def begin(self) -> None:
        """Create the subscription and start collecting its first charge, or begin its trial.

        A subscription whose workflow was lost goes on from its rows in the ledger.
        """
        state, start = self._state, self._state.start
        now = workflow.now()
        begun = await self._begun(Beginning(start, start.begins_at or now, now))
        state.begin(
            plan=begun.plan, zone=begun.time_zone, begun_at=begun.begun_at, anchor=begun.anchor
        )
        await self._registered(begun)
        state.has_account(begun.account_id, begun.renewals_dropped)
        if begun.restored is not None:
            await self._take_up(begun.restored)
        elif begun.trial is not None:
            await self._settle_free(begun.plan, begun.trial)
        elif begun.charges or begun.lapsed:
            state.go_on_with(begun.charges, lapsed=begun.lapsed)
            await self._go_on_with_charges()
        else:
            await self.open_period()

    async def open_period(self) -> None:
        """Open the charge of the next period, or of the one that contains this instant."""
        state = self._state
        plan = state.next_plan or state.plan_in_force()
        now = workflow.now()
        since = state.restart_at or (state.period.end if state.period else state.begun_at)
        anchor = state.anchor_under(plan)
        opened = await workflow.execute_activity_method(
            PeriodActivities.open_charge,
            NextPeriod(
                subscription_id=state.subscription_id,
                customer_id=state.start.customer_id,
                account_id=state.account_id,
                payer=state.payer,
                plan=plan,
                anchor=anchor,
                time_zone=state.time_zone,
                since=since or now,
                at=now,
                revision=state.renewals_dropped,
            ),
            summary=short(f"charge the next period of {plan.plan_id}"),
            **of_a_period(state.start.customer_id, first=state.period is None),
        )
        zone = ""
        if opened.calendar is not None:
            anchor, zone = opened.calendar.anchor, opened.calendar.time_zone
        if opened.charge is None:
            await self._settle_free(plan, opened.period, opened.calendar)
        else:
            charge = _charge_of(plan, opened.period, opened.charge, now)
            arrears = state.arrears or Arrears()
            charge = replace(
                charge,
                pay_at=opened.pay_at or charge.pay_at,
                anchor=anchor,
                time_zone=zone,
                declines=arrears.declines,
                first_declined_at=arrears.first_declined_at,
            )
            self._collect(charge)

    def _collect(self, charge: OpenCharge) -> None:
        """Start collecting a charge; one of nothing is settled when it is due."""
        if charge.charge.is_free:
            self._state.put(replace(charge, step=Step.PREPARED))
        else:
            self._context.collector.collect(charge)

    async def _begun(self, beginning: Beginning) -> Begun:
        """Create the subscription; if that is refused, fail with the reason as type."""
        try:
            if beginning.start.coupon and workflow.patched("promotion-codes"):
                beginning = replace(beginning, looked_up=await self._looked_up(beginning.start))
            return await workflow.execute_activity_method(
                PeriodActivities.begin,
                beginning,
                summary=short(f"begin under {beginning.start.plan_id}"),
                **LEDGER,
            )
        except ActivityError as error:
            raise _as_it_is(error) from error

    async def _looked_up(self, start: Start) -> LookedUp | None:
        """Return what the processor says about a start's coupon, where it must be asked.

        Without its word nothing begins: the same start can be sent again. One that was scheduled
        waits for it: its sender is told nothing any more, and would never send it again.
        """
        wanted = await workflow.execute_activity_method(
            PeriodActivities.code_to_ask,
            start,
            summary="see whose the coupon is",
            **LEDGER,
        )
        if wanted is None:
            return None
        scheduled = start.begins_at is not None and start.begins_at > workflow.info().start_time
        said = await looked_up(wanted, start.customer_id, patient=scheduled)
        if said is None:
            message = "the payment processor does not say what the coupon promises"
            raise ApplicationError(message, type=UNAVAILABLE)
        return said

    async def _registered(self, begun: Begun) -> None:
        """Register the customer; on a refusal, undo the start and fail with its reason."""
        try:
            await self._register(begun.payer)
        except ActivityError as error:
            named = isinstance(error.cause, ApplicationError)
            if not named or not workflow.patched("a-failed-start-leaves-nothing"):
                raise
            await workflow.execute_activity_method(
                PeriodActivities.abandon,
                args=[self._state.subscription_id, workflow.now()],
                summary="undo the start",
                **LEDGER,
            )
            raise _as_it_is(error) from error

    async def _register(self, payer: str) -> None:
        """Register the customer at the processor, with the card it pays with."""
        state, start = self._state, self._state.start
        card = await workflow.execute_activity_method(
            PaymentActivities.register,
            Registration(
                customer_id=start.customer_id,
                email=start.email,
                name=start.name,
                payment_method=start.payment_method,
                payer=payer,
                kinds=state.plan_in_force().takes.any,
                currency=state.plan_in_force().currency,
                address=start.address,
            ),
            summary="register with the processor",
            **PROCESSOR,
        )
        state.pays_as(card.payer)
        if card.refused:
            self._context.mailbox.refuse(None, f"payment_method: {card.method}", card.refused)
        else:
            state.pays_with(card.method, card.card)
        await workflow.execute_activity_method(
            PeriodActivities.know_payer,
            KnownPayer(
                start.customer_id,
                card.payer,
                has_card=bool(state.card),
                method=state.payment_method if state.card else "",
                kind=card.kind,
            ),
            summary=f"card is {card.card or 'unknown'}",
            **LEDGER,
        )

    async def _take_up(self, restored: SubscriptionState) -> None:
        """Go on from what the ledger knows. Every effect has a key, so nothing happens twice."""
        state = self._state
        state.take_up(restored, card_updates=int(workflow.now().timestamp()))
        state.credits_came(restored.available_micro, workflow.now())
        await self._go_on_with_charges()

    async def _go_on_with_charges(self) -> None:
        """Collect charges never declined again: the same keys find their outcome."""
        for charge in self._state.charges:
            if charge.step is Step.PREPARING:
                self._collect(charge)
        await self._context.collector.drop_unwanted()

    async def _settle_free(
        self, plan: Plan, period: Window, calendar: Calendar | None = None
    ) -> None:
        nothing = _nothing_to_pay(self._state)
        charge = _charge_of(plan, period, nothing, workflow.now())
        if calendar is not None:
            charge = replace(charge, anchor=calendar.anchor, time_zone=calendar.time_zone)
        await self._context.settler.open_period(charge, None)


def _as_it_is(error: ActivityError) -> Exception:
    """Return a failure whose type is the activity's reason."""
    if isinstance(error.cause, ApplicationError):
        return ApplicationError(error.cause.message, type=error.cause.type)
    return error


def _charge_of(plan: Plan, period: Window, charge: Charge, now: datetime) -> OpenCharge:
    return OpenCharge(
        charge,
        Step.PREPARING,
        now,
        plan=plan,
        period=period,
        window_end=period.end,
        pay_at=period.start,
    )


def _nothing_to_pay(state: SubscriptionState) -> Charge:
    return Charge(
        charge_id=f"{state.subscription_id}:free",
        kind=ChargeKind.PERIOD,
        customer_id=state.start.customer_id,
        subscription_id=state.subscription_id,
        payer=state.payer,
        currency=state.plan_in_force().currency,
        lines=(),
    )
