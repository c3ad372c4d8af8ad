"""What mails about plans, balances and requests must say."""

from datetime import datetime, timedelta
from typing import Any

from tests.truth.books import Books
from tests.truth.reading import Read, plain
from tests.truth.truth import Truth, terms_of


def welcome(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    plan, begun = truth.books.subscription.plan, _usable_since(truth)
    trial_ends = truth.books.subscription.trial_ends_at
    price, included = terms_of(truth, plan)
    truth.row("Plan", plan["name"])
    truth.row("Included", included)
    truth.row("Price after the trial" if trial_ends else "Price", price)
    truth.balance(begun)
    truth.lots(begun)
    if trial_ends is None:
        truth.next_payment()
        truth.never.append("trial")
        return
    truth.says(f"free trial of {plan['name']} has begun")
    truth.says(f"it costs nothing until {truth.moment(trial_ends)}.")
    truth.says(f"{price} is charged. To stop it, cancel before then")


def _usable_since(truth: Truth) -> datetime:
    """A first period that is paid later can be used from then on."""
    begins = truth.books.subscription.begins_at
    paid = truth.books.one(
        "SELECT max(coalesce(granted_at, settled_at)) AS at FROM charges"
        " WHERE account_id = :account AND kind = 'period' AND state <> 'void'"
    )
    return max(begins, paid.at or begins)


def low_balance(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    key = read.key.split(":", 1)[1]
    cause = books.one("SELECT payload, recorded_at FROM outbox WHERE account_id = :account"
                      " AND topic = 'alert' AND message_key = :key", key=key)  # fmt: skip
    then = Books(books.customer, cause.recorded_at, books.now)
    at = datetime.fromisoformat(cause.payload["at"])
    kind = cause.payload["credit_type"]
    balance = then.balance(kind, at)
    truth.row("Left now", truth.number(balance))
    left = books.show.credits(balance)
    truth.says(f"{left} left" if balance else "Your credits are used up")
    window = books.one("SELECT window_end FROM windows WHERE account_id = :account"
                       " AND window_start <= :at AND window_end > :at", at=at)  # fmt: skip
    truth.says(f"This window ends {plain(books.show.until(window.window_end))}.")
    if cause.payload["percent"] is not None:
        percent, base = cause.payload["percent"], cause.payload["base"]
        truth.row("Alert set at", f"{percent} % of {truth.number(base)}")
        truth.says(f"(alert at {percent} %)")
        assert balance * 100 <= percent * base
    else:
        truth.row("Alert set at", truth.number(cause.payload["amount"]))
        truth.says(f"(alert at {truth.number(cause.payload['amount'])})")
    _use(truth, then, kind, payload)


def _use(truth: Truth, then: Books, kind: str, payload: dict[str, Any]) -> None:
    """Recent use: what each action took in all, for these histories are shorter than a month."""
    used = {
        row.action: row.used
        for row in then.all(
            "SELECT o.action, -sum(e.change)::bigint AS used FROM entries e JOIN entries o"
            " ON o.account_id = e.account_id AND o.seq = e.seq AND o.line = 0"
            " WHERE e.account_id = :account AND e.recorded_at <= :until AND e.credit_type = :type"
            " AND e.kind IN ('debit', 'capture') AND e.at > :since GROUP BY 1",
            type=kind,
            since=then.at - timedelta(days=30),
        )
    }
    for one in payload["used_most"]:
        assert one["credits_micro"] in used.values()
        truth.row(f"{one['action']}, 30 days", truth.number(one["credits_micro"]))
    if payload["per_day_micro"]:
        assert payload["per_day_micro"] <= sum(used.values())
        truth.row("Used per day lately", truth.number(payload["per_day_micro"]))
    if payload["days_left"]:
        days = payload["days_left"]
        assert days == then.balance(kind) // payload["per_day_micro"]
        truth.says(
            f"At your recent rate of use they last {days} more {'day' if days == 1 else 'days'}."
        )
    if payload["offer"]:
        packs = truth.books.subscription.plan["packs"]
        pack = next(one for one in packs if one["name"] == payload["offer"]["name"])
        truth.row(pack["name"], truth.books.money(pack["price_minor"]))
        truth.says(f"A pack of {truth.number(pack['quantity_micro'])} would last until then")


def credits_expiring(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    *_, kind, rest = read.key.split(":", 3)
    expires, days = rest.rsplit(":", 1)
    at, due = datetime.fromisoformat(expires), int(days)
    lots = dict(truth.books.lots(kind, truth.books.now))
    grants = truth.books.one(
        "SELECT coalesce(sum(e.change - e.held_change), 0)::bigint AS n FROM grants g"
        " JOIN entries e USING (account_id, grant_id) WHERE account_id = :account"
        " AND e.recorded_at <= :until AND g.credit_type = :type AND g.expires_at = :at"
        " AND g.source NOT IN ('allowance', 'rollover', 'overdraft')",
        type=kind,
        at=at,
    )
    assert lots
    truth.says(f"{truth.books.show.credits(grants.n)} expire within "
               f"{'a day' if due <= 1 else f'{due} days'}")  # fmt: skip
    truth.says(f"They can be used until {plain(truth.books.show.until(at))}.")
    truth.row("Expiring", truth.number(grants.n))
    truth.row("All your credits now", truth.number(truth.books.balance(kind, truth.books.now)))


def bonus_given(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    key = "ledger:bonus:" + read.key.split(":bonus:", 1)[1]
    given = truth.books.one(
        "SELECT e.change, g.credit_type, nullif(g.expires_at, 'infinity') AS expires_at"
        " FROM entries e JOIN grants g USING (account_id, grant_id)"
        " WHERE account_id = :account AND e.key = :key",
        key=key,
    )
    truth.says(f"You have been given {plain(truth.books.show.credits(given.change))}")
    if given.expires_at is None:
        truth.says("They are yours and never expire.")
    else:
        truth.says(
            f"They are yours to use until {plain(truth.books.show.until(given.expires_at))}."
        )
    truth.row("For", payload["name"])
    truth.row("Given", truth.number(given.change))
    balance = truth.books.balance(given.credit_type, truth.books.now)
    truth.row("All your credits now", truth.number(balance))


def plan_changed(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books, charge_id = truth.books, read.key.split("plan-changed:")[1]
    charge = books.charge(charge_id)
    plan = books.subscription.plan
    price, included = terms_of(truth, plan)
    old = payload["old"]["plan_name"]
    truth.row(old, f"{books.money(payload['old']['price_minor'])} a month")
    truth.row("Included", f"{plain(books.show.credits(payload['old']['allowance_micro']))} a month")
    truth.row(plan["name"], price)
    truth.row("Included", included)
    given = books.one(
        "SELECT coalesce(sum(e.change), 0)::bigint AS n FROM entries e WHERE account_id = :account"
        " AND kind = 'grant' AND key LIKE 'ledger:' || :id || ':%'",
        id=charge_id,
    )
    truth.row("Paid for the change", books.money(charge.amount_minor) if charge else "nothing")
    truth.row("Credits added", truth.number(given.n))
    truth.balance()
    truth.says(f"Your change from {old} to {plan['name']} took effect on {truth.moment(books.at)}.")
    truth.next_payment()


def downgrade_scheduled(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    sub = truth.books.subscription
    when = sub.period_end
    waits = payload["due_days"] and not payload["granted"]
    begins = "follows" if waits else "takes over"
    truth.says(f"{sub.next_plan['name']} {begins} on {truth.moment(when)}.")
    truth.says(f"on {truth.books.show.day(when)}")
    for plan in (sub.plan, sub.next_plan):
        price, included = terms_of(truth, plan)
        truth.row(plan["name"], price)
        truth.row("Included", included)


def canceled(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    ends = datetime.fromisoformat(read.key.split("canceled:")[1].split("/")[0])
    ended = ends <= books.now
    left = books.all(
        "SELECT g.credit_type, g.expires_at = 'infinity' AS kept, sum(e.change)::bigint AS n"
        " FROM grants g JOIN entries e USING (account_id, grant_id) WHERE account_id = :account"
        " AND e.recorded_at <= :until AND g.source <> 'overdraft' AND g.expires_at > :at"
        " GROUP BY 1, 2 HAVING sum(e.change) > 0",
        at=min(ends, books.now),
    )
    if ended:
        truth.says(f"ended on {truth.moment(ends)}. Nothing more will be charged.")
        unpaid = books.one(
            "SELECT amount_minor FROM charges WHERE account_id = :account AND kind = 'period'"
            " AND state = 'void' AND declines > 0 AND settled_at >= :at",
            at=ends,
        )
        if unpaid and "because" in read.prose:
            amount = books.money(unpaid.amount_minor)
            truth.says(f"It ended because {amount} was not paid in time.")
    else:
        truth.says(f"works as usual until {truth.moment(ends)}, and it will not be renewed.")
        truth.says(f"ends on {books.show.day(ends)}")
    lost = "Expired with the plan" if ended else "Expire with the plan if unused"
    for one in left:
        label = "Kept for you" if one.kept else lost
        truth.row(label, books.show.credits(one.n))
    if not left:
        truth.says("There are no credits left on your account.")


def uncanceled(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    said = datetime.fromisoformat(read.key.split("uncanceled:")[1])
    truth.says(f"Your cancellation was taken back on {truth.moment(said)}.")
    truth.says(f"Your plan {truth.books.subscription.plan['name']} goes on")
    truth.next_payment()


def approval_asked(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    request = truth.books.one("SELECT * FROM approvals WHERE account_id = :account"
                              " ORDER BY asked_at DESC LIMIT 1")  # fmt: skip
    cost = truth.books.show.credits(request.amount)
    truth.says(f"asks for {cost}")
    if request.kind == "operation":
        quantity = request.wish["quantity"]
        truth.row(
            "Operation",
            f"{truth.number(quantity)} \N{MULTIPLICATION SIGN} {payload['ask']['action_name']}",
        )
    truth.row("It costs" if request.kind == "operation" else "Above the limit", cost)
    truth.row("The team has left", truth.books.show.credits(
        truth.books.balance(request.credit_type, request.asked_at)))  # fmt: skip
    truth.row("Please decide by", truth.moment(request.lapses_at))


def approval_decided(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    request = truth.books.one(
        "SELECT * FROM approvals WHERE account_id = :account AND state <> 'waiting'"
        " ORDER BY settled_at DESC LIMIT 1"
    )
    cost = truth.books.show.credits(request.amount)
    word = "has lapsed" if request.state == "lapsed" else f"was {request.state}"
    truth.says(f"Your request for {cost} {word}")
    if request.kind == "operation":
        quantity = request.wish["quantity"]
        truth.row(
            "Operation",
            f"{truth.number(quantity)} \N{MULTIPLICATION SIGN} {payload['ask']['action_name']}",
        )
    truth.row("It costs" if request.kind == "operation" else "Above the limit", cost)
    held = truth.books.one("SELECT lapses_at FROM holds WHERE account_id = :account"
                           " AND state = 'open' ORDER BY hold_id DESC LIMIT 1")  # fmt: skip
    if request.state == "approved" and request.kind == "operation":
        truth.row("Set aside until", truth.moment(held.lapses_at))
