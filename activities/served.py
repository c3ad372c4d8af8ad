"""All activities, listed by the task queue that serves them."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.client import Client

from activities.answers import AnswerActivities
from activities.context import BillingContext
from activities.notifications.alerts import AlertRelay
from activities.notifications.notices import NoticeActivities
from activities.notifications.outbox import CrossingRelay
from activities.payments.before_money import BeforeMoneyActivities
from activities.payments.declines import DeclineActivities
from activities.payments.findings import FindingActivities, FindingRelay
from activities.payments.invoices import InvoiceMails, InvoiceReading
from activities.payments.lost_charges import LostChargeActivities, LostChargeReading
from activities.payments.owners import OwnerActivities
from activities.payments.processing import ProcessingActivities
from activities.payments.processor import PaymentActivities
from activities.payments.reconciliation import ReconcileActivities
from activities.payments.refunds import RefundActivities
from activities.payments.sent_invoices import SentInvoiceActivities
from activities.periods.lifecycle import PeriodActivities
from activities.plans.changes import ChangeActivities
from activities.plans.restarts import RestartActivities
from activities.plans.uncancel import UncancelActivities
from activities.purchases.bonuses import BonusActivities
from activities.purchases.extra_credits import PurchaseActivities
from activities.purchases.offers import OfferActivities
from activities.teams.approvals import ApprovalActivities
from activities.teams.members import TeamActivities
from activities.usage.corrections import CorrectionActivities
from activities.usage.days import DayActivities
from activities.usage.events import UsageActivities
from activities.usage.holds import HoldActivities
from gateways.payments import Payments

Activities = list[Callable[..., Any]]


def by_the_processor(processor: Payments, context: BillingContext, client: Client) -> Activities:
    """Return the activities that call the payment processor."""
    payments, reading = PaymentActivities(processor), InvoiceReading(processor)
    compared = ReconcileActivities(context, processor, client, asyncio.get_running_loop())
    return [
        payments.register,
        payments.read_payer,
        payments.use_card,
        payments.prepare,
        payments.preview_tax,
        payments.look_up,
        payments.pay,
        payments.read,
        payments.void,
        payments.read_event,
        payments.refund,
        payments.read_return,
        compared.reconcile,
        compared.examine,
        compared.doubt,
        LostChargeReading(processor).read,
        reading.cards,
        reading.invoices,
        reading.invoice,
    ]


def _of_customers(context: BillingContext) -> Activities:
    customers = OwnerActivities(context)
    return [customers.find_owner, customers.forget_payer]


def of_usage(context: BillingContext) -> Activities:
    """Return the activities that decide usage and holds."""
    usage, holds = UsageActivities(context), HoldActivities(context)
    return [usage.debit, holds.hold, holds.capture, holds.extend, holds.release]


def of_periods_and_plans(context: BillingContext) -> Activities:
    """Return the activities that begin, change and end a subscription."""
    periods, changes = PeriodActivities(context), ChangeActivities(context)
    answers = AnswerActivities(context)
    return [
        periods.begin,
        periods.code_to_ask,
        periods.know_payer,
        periods.abandon,
        periods.open_charge,
        periods.open_period,
        periods.close_window,
        periods.schedule_cancel,
        periods.end,
        answers.find,
        answers.keep,
        changes.quote,
        changes.quote_version,
        changes.open_upgrade,
        changes.complete_upgrade,
        RestartActivities(context).complete_restart,
        changes.schedule,
        changes.pause,
        changes.adjust,
        UncancelActivities(context).uncancel,
        CorrectionActivities(context).correct,
    ]


def of_purchases(context: BillingContext) -> Activities:
    """Return the activities that open, grant and refund purchases."""
    purchases, failures = PurchaseActivities(context), DeclineActivities(context)
    offers, gifts = OfferActivities(context), BonusActivities(context)
    returns = RefundActivities(context)
    return [
        purchases.reserve,
        purchases.grant_purchase,
        purchases.set_auto_purchase,
        LostChargeActivities(context).take_up,
        offers.open_manual,
        offers.open_pack,
        gifts.give_bonus,
        failures.note_decline,
        failures.void,
        failures.resume,
        BeforeMoneyActivities(context).grant_purchase,
        BeforeMoneyActivities(context).available,
        BeforeMoneyActivities(context).open_period,
        BeforeMoneyActivities(context).settle_period,
        ProcessingActivities(context).note,
        SentInvoiceActivities(context).note,
        ProcessingActivities(context).note_received,
        ProcessingActivities(context).note_tax,
        returns.refund,
        returns.book,
        returns.standing,
    ]


def of_people(context: BillingContext, client: Client) -> Activities:
    """Return the activities for teams, operators and the outbox."""
    loop = asyncio.get_running_loop()
    teams, requests = TeamActivities(context), ApprovalActivities(context, client, loop)
    notices, invoice_mails = NoticeActivities(context), InvoiceMails(context)
    return [
        teams.set_member,
        teams.remove_member,
        requests.ask,
        requests.read,
        requests.decide,
        requests.lapse,
        requests.keep_refusals,
        notices.set_alerts,
        notices.notices,
        notices.read,
        notices.warn,
        invoice_mails.set_address,
        invoice_mails.mail,
        *_of_customers(context),
        DayActivities(context).sum_up,
        FindingActivities(context).record,
        FindingRelay(context, client, loop).relay,
        AlertRelay(context).relay,
        CrossingRelay(context, client, loop).relay,
    ]
