"""Faults seeded into the SQL: the laws must notice every one of them."""

# ruff: noqa: E501 - one mutant a line

import re

import psycopg
import pytest

from models.base import connect
from tests.ledger.archive_laws import ARCHIVE_FAULTS, ARCHIVE_LAWS
from tests.ledger.battery import CONNECTIONS, first_broken
from tests.ledger.coupon_laws import COUPON_FAULTS, COUPON_LAWS
from tests.ledger.hold_laws import HOLD_FAULTS, HOLD_LAWS
from tests.ledger.import_laws import IMPORT_FAULTS, IMPORT_LAWS
from tests.ledger.size_laws import SIZE_FAULTS, SIZE_LAWS
from tests.ledger.sum_laws import SUM_FAULTS, SUM_LAWS
from tests.ledger.tax_laws import TAX_FAULTS, TAX_LAWS
from tests.ledger.team_laws import TEAM_FAULTS, TEAM_LAWS
from tests.ledger.use_laws import USE_FAULTS, USE_LAWS
from tests.ledger.way_laws import WAY_FAULTS, WAY_LAWS

# Name, function, and a pattern of its definition with what it is replaced by. A blank of a pattern
# is any white space of the definition.
IN_FUNCTIONS = (
    ("a batch takes no lock", "debit_plain_accounts", r"FOR UPDATE", ""),
    ("changes take no lock", "lock_wallet", r"FOR UPDATE", ""),
    ("content is not compared", "recall", r"ELSE 'idempotency_conflict'", "ELSE 'repeated'"),
    ("content is not compared in a batch", "debit_plain_accounts", r"'idempotency_conflict'", "'repeated'"),
    ("the key is not looked for first", "debit_one", r"ON CONFLICT \(account_id, key\) DO NOTHING", ""),
    ("a sender may take the ledger's keys", "is_usage_key", r"AND NOT p_key \^@ 'ledger:'", ""),
    ("used at its expiry", "is_usable", r"p_expires_at > p_at", "p_expires_at >= p_at"),
    ("used before its time", "is_usable", r"p_effective_at <= p_at AND", ""),
    ("what is over is used", "debit_one", r"o\.pays AND", ""),
    ("what is over is used with care", "debit_carefully", r"o\.pays AND", ""),
    ("what is over is used in a batch", "debit_plain_accounts", r"WHEN o\.is_usable", "WHEN true"),
    ("what is over is available", "balance_at", r"g\.is_usable AND", ""),
    ("expires late", "expire_due", r"expires_at <= least\(", "expires_at < least("),
    ("the pause is not looked at", "debit_one", r"AND o\.paused_by = '\{\}'", ""),
    ("the pause is not looked at in a batch", "debit_plain_accounts", r"AND w\.paused_by = '\{\}'", ""),
    ("the window's end is not looked at", "debit_one", r"least\(o\.window_end, o\.next_lapse\)", "o.next_lapse"),
    ("a window begins a moment late", "enter_window", r"n\.window_start <= p_at", "n.window_start < p_at"),
    ("late usage is never refused", "debit_carefully", r"= 'refuse'", "= 'never'"),
    ("the scope is not looked at", "grants_to_burn", r"AND \(g\.scope IS NULL OR p_action = ANY \(g\.scope\)\)", ""),
    ("the scope is not looked at in a batch", "debit_plain_accounts", r"bool_and\(g\.scope IS NULL\) OVER whole", "true"),
    ("what is held is drawn", "debit_one", r"THEN o\.unheld", "THEN o.remaining"),
    ("what is held is drawn with care", "debit_carefully", r"THEN o\.unheld", "THEN o.remaining"),
    ("what is held counts as free", "grants_to_burn", r"g\.remaining - g\.held \+", "g.remaining +"),
    ("burnt by expiry before priority", "grants_to_burn", r"ORDER BY g\.priority, g\.expires_at", "ORDER BY g.expires_at, g.priority"),
    ("a batch may take more than there is", "debit_plain_accounts", r"AND d\.amount <= total\(g\.free\) OVER whole", ""),
    ("zero is not told", "debit_one", r"IF available = 0 THEN PERFORM", "IF false THEN PERFORM"),
    ("zero is not told in a batch", "debit_plain_accounts", r"AND p\.amount = p\.available", "AND false"),
    ("time goes back", "debit_one", r"decided_at = greatest\(p_at, o\.decided_at\)", "decided_at = p_at"),
    ("a refusal does not move time", "note_decision", r"decided_at < p_at", "false"),
    ("the cap is not looked at", "reserve_auto_purchase", r"> p\.auto_cap", "> 9 * p.auto_cap"),
    ("a cap has no window of its own", "cap_window", r"c\.starts IS NULL OR c\.ends IS NULL", "true"),
    ("a purchase in flight leaves the cap", "auto_purchased", r"OR c\.state <> 'paid'", ""),
    ("a stale crossing buys", "reserve_auto_purchase", r"IF r\.available > 0 AND", "IF false AND"),
    ("a purchase in flight is not seen", "reserve_auto_purchase", r"OR state IN \('open', 'processing'\)", ""),
    ("a purchase in flight is not waited for", "units_short", r"AND c\.state = 'open'", "AND false"),
    ("money is booked again", "mark_paid", r"IF c\.state = 'paid' THEN RETURN 'repeated'; END IF;", ""),
    ("an alert is not told", "debit_one", r"IF available <= level", "IF false AND available <= level"),
    ("an alert is not told with care", "debit_carefully", r"AND w\.alert_level >= 0 THEN PERFORM fire", "AND false THEN PERFORM fire"),
    ("a batch passes an alert", "debit_plain_accounts", r"- d\.amount > w\.alert_level", "- d.amount >= -1"),
    ("the next window is not armed", "enter_window", r"w\.alert_level := arm_alerts\(w\)", "NULL"),
    ("what is bought raises no base", "grant_credits", r"PERFORM arm_alerts\(w\);", ""),
    ("what was held is not in the base", "alert_base", r"start := held_at_start\(w\)", "start := 0"),
    ("a purchase arms nothing", "grant_credits", r"PERFORM rearm_alerts\(w\);", "NULL;"),
    ("a purchase arms everything", "rearm_alerts", r"AND t\.rearms", ""),
    ("a small purchase arms", "rearm_alerts", r"AND threshold_level\([^)]*\) < free", ""),
    ("an alert is told again", "armed_thresholds", r"AND NOT EXISTS \(", "AND (w).seq >= 0 OR NOT EXISTS ("),
    ("the plan takes the customer's thresholds away", "put_thresholds", r"IF p_own OR NOT \(", "IF p_own OR true OR ("),
    ("the end of a window is a low balance", "fire_alerts", r"OR w\.decided_at >= w\.window_end", ""),
    ("patience never ends", "serving_refusal", r"AND p_at < w\.kept_until", "AND w.kept_until IS NOT NULL"),
    ("patience overrules an operator", "serving_refusal", r"w\.paused_by = '\{payment_failed\}'", "'payment_failed' = ANY (w.paused_by)"),
    ("money on its way buys by itself", "shortfall_verdict", r"p_at >= w\.window_end AND p_at < w\.kept_until", "false"),
    ("money on its way serves nobody", "serving_refusal", r" OR w\.paused_by = '\{\}'", ""),
    ("patience outlives its pause", "set_paused", r"CASE WHEN p_paused OR p_cause <> 'payment_failed' THEN kept_until END", "kept_until"),
    ("credits for other actions stop a purchase", "debit_carefully", r"IF r\.status = 'purchase_needed' THEN", "IF false THEN"),
    ("credits for other actions stop a purchase on terms", "plan_shortfall", r"IF p\.status = 'purchase_needed' THEN", "IF false THEN"),
    ("an unpaid customer is bought for", "shortfall_verdict", r"IF w\.paused_by <> '\{\}' THEN", "IF false THEN"),
    ("a free plan freezes nothing", "set_frozen", r"SET frozen = p_frozen", "SET frozen = false"),
    ("a purchase too large is waited for", "shortfall_verdict", r"> most_minor\(p\.currency\)", "> 9223372036854775806"),
    ("a purchase too large is reserved", "reserve_auto_purchase", r"> most_minor\(r\.currency\)", "> 9223372036854775806"),
    ("a price too large is raised", "price_minor", r"least\((div\(.*\)), 9223372036854775807\)", r"\1"),
    ("prices are cut", "price_minor", r"p_num \+ p_den,", "p_num,"),
    ("a refund may be any amount", "refund_charge", r"BETWEEN 1 AND r\.most_minor", "> 0"),
    ("a refund has digits that are not sent", "refund_charge", r"WHEN r\.amount_minor % step <> 0", "WHEN false"),
    ("more goes back than unused credits cost", "refund_charge", r"- r\.most_minor % step", "+ step"),
    ("an auto-purchase has digits that are not charged", "quote_units", r"step_minor\(p\.currency\)", "1"),
    ("earlier refunds are forgotten", "refund_charge", r"- refunds_of\(c\)\)", "- 0)"),
    ("a refund's content is not compared", "refund_charge", r"ELSE 'idempotency_conflict'", "ELSE 'repeated'"),
    ("a disputed charge is refunded", "refund_charge", r"WHEN disputes_of\(c\) > 0", "WHEN false"),
    ("a refund voids too few credits", "credits_worth", r"ceil\(", "floor("),
    ("credits that went back come back", "returnable_minor", r"\+ g\.refunded\)", ")"),
    ("the first window gives first", "settle_returns", r"THEN effective_at END DESC", "THEN effective_at END"),
    ("a dispute makes no debt", "settle_returns", r"PERFORM set_owed", "-- "),
    ("a kindness becomes a debt", "settle_returns", r"greatest\(0, unpaid - net_refunds_of\(c\)\)", "unpaid"),
    ("books do not follow what goes back", "settle_returns", r"PERFORM post_returns", "-- "),
    ("what was held is forgotten when it ends", "end_hold", r"AND settle_again\([^)]*\)", "AND false"),
    ("what lapsed is forgotten", "release_lapsed", r"(?s)IF settle_again\(.*?h\.lapses_at\)", "IF false"),
    ("late usage of what went back is forgotten", "debit_on_terms", r"PERFORM settle_again\([^;]*;", ""),
    ("a lost refund is not undone", "refunds_of", r"AND r\.state <> 'failed'", ""),
    ("a won dispute is not undone", "disputes_of", r"AND d\.state <> 'won'", ""),
    ("what failed stays granted", "mark_declined", r"PERFORM take_back_granted[^;]*;", ""),
    ("what is given up stays granted", "mark_void", r"PERFORM take_back_granted[^;]*;", ""),
    ("the last credits of what failed stay", "credits_gone", r"failed_of\(c\) > 0", "false"),
    ("what came after all is not put back", "mark_paid", r"IF c\.granted_at IS NOT NULL THEN", "IF false THEN"),
    ("money granted before is booked twice", "mark_paid", r"CASE WHEN c\.granted_at IS NULL", "CASE WHEN true"),
    ("a receivable stays when it failed", "post_returns", r"'receivable', NULL, -failed", "'disputes', NULL, -failed"),
    ("held credits of what failed stay", "money_went_back", r"OR EXISTS \(SELECT FROM charges", "AND EXISTS (SELECT FROM charges"),
    ("what is granted once is granted again", "grant_before_money", r"WHEN c\.granted_at IS NOT NULL THEN 'repeated'", "WHEN false THEN 'repeated'"),
    ("a declined charge is granted", "grant_before_money", r"WHEN c\.declines > 0", "WHEN false"),
    ("an ended subscription is granted to", "grant_before_money", r"WHEN w\.state = 'ended'", "WHEN false"),
    ("who owes is granted more", "owes_failed", r"AND n\.value > 0|AND \(n\.value > 0\)", "AND n.value < 0"),
    ("a dispute goes back to open", "note_dispute", r"<= array_position\(ways, old", "= array_position(ways, old"),
    ("a disputed card buys by itself", "note_dispute", r"SET auto_on = false", "SET auto_on = auto_on"),
    ("refunded credits count as used", "used_of", r"- g\.refunded", ""),
    ("all moves on whatever the share", "roll_over", r"\* g\.roll_num", "* g.roll_den"),
    ("no cap holds what moves on", "roll_over", r", roll_room\(g\)\)", ", NULL)"),
    ("money stays behind", "move_on", r"rolled_minor \+ p_money", "rolled_minor"),
    ("what moved moves for ever", "move_on", r"g\.rolls_left - 1", "g.rolls_left"),
    ("what may move on runs out first", "waits_to_roll", r"may_roll\(g\) AND", "false AND"),
    ("which pack is not compared", "open_charge", r"\(p_kind, p_quantity, p_pack\)", "(p_kind, p_quantity, c.pack)"),
    ("a pack is sold to whoever is paused", "open_charge", r"AND p.buys_while_paused", "AND true"),
    ("any payment method pays for a pack", "open_charge", r"unpayable\(p, p_takes\)", "NULL"),
    ("any payment method buys by itself", "reserve_auto_purchase", r"unpayable\(p, p\.auto_kinds\)", "NULL"),
    ("an attempt is served though it is short", "plan_attempt", r"IF p\.missing IS NOT NULL", "IF false"),
    ("a member has no limit", "plan_counters", r"IF over > 0", "IF false"),
    ("the present debit is not counted", "plan_counters", r"c\.value \+ c\.cost - c\.ceiling", "c.value - c.ceiling"),
    ("nobody is asked", "plan_attempt", r"ELSIF p\.asked IS NOT NULL", "ELSIF false"),
    ("an object is paid for again", "plan_debit", r"'-infinity'\) > 0", "'-infinity') > 9"),
    ("rounding drifts", "plan_ways", r"used := counter_value\(w\.account_id, y\.carry, p_window_start\)", "used := 0"),
    ("a blocked action buys", "plan_shortfall", r"p_at_zero IN \('purchase', 'prompt'\)", "true"),
    ("a prompt does not ask", "plan_shortfall", r"p_at_zero = 'prompt' AND units > 0", "false"),
    ("gifts repay", "repay_debt", r"is_purchased\(g\.source\)", "true"),
    ("a shortfall forgets the debt", "units_short", r"\+ debt_of\(\(p\)\.account_id, \(p\)\.auto_credit_type\)", ""),
    ("a purchase forgets the debt", "reserve_auto_purchase", r"\+ debt_of\([^)]*\)", ""),
    ("an overdraft is no debt", "write_counters", r"g\.source = 'overdraft'", "false"),
    ("plain usage draws on credit", "debit_one", r"AND NOT o\.is_debt", ""),
    ("plain usage draws on credit with care", "debit_carefully", r"AND NOT o\.is_debt", ""),
    ("what another action may use is available", "balance_for", r"g\.pays AND", "g.is_usable AND"),
    ("an overdraft is a balance", "balance_at", r"AND NOT g\.is_debt", ""),
    ("an overdraft is a balance when it is given", "grant_credits", r"AND p_source <> 'overdraft'\n", "\n"),
    ("frozen credits are a balance when they are given", "grant_credits", r"p_source, w\.frozen", "p_source, false"),
    ("a debit on terms tells nobody", "write_debit", r"IF w\.alert_level >= 0 THEN", "IF false THEN"),
    ("a thawed wallet is not watched", "set_frozen", r"PERFORM arm_alerts\(w\);", ""),
    ("a debt is not repaid", "repay_debt", r"IF due = 0", "IF true"),
    ("frozen credits are spent alone", "debit_one", r"AND NOT o\.frozen", ""),
    ("frozen credits are spent together", "debit_plain_accounts", r"AND NOT w\.frozen", ""),
    ("frozen credits are spent with care", "debit_carefully", r"p_action, w\.frozen", "p_action, false"),
    ("frozen credits are spent on terms", "stock", r"\(w\)\.frozen", "false"),
    ("a cap is each grant's own", "roll_room", r"AND t\.rolls_left > 0", "AND t.grant_id = (g).grant_id"),
    ("what moved on is forgotten", "grants_to_burn", r" \+ unused_of_rolled\(g\.account_id, g\.grant_id\)", ""),
    ("what moves on is decided once", "debit_on_terms", r"PERFORM roll_again\([^;]*;", ""),
    ("money does not come back", "move_back", r"r\.rolled_minor := r\.rolled_minor \+ money", "money := 0"),
    ("a closed window buys", "debit_on_terms", r"p_terms := [^;]*;", ""),
    ("what does not fit its window is refused", "debit_on_terms", r"THEN opened := NULL", "THEN opened := opened"),
    ("the first draw comes back first", "write_correction", r"ORDER BY d\.place DESC\)", "ORDER BY d.place)"),
    ("a correction's content is not compared", "correct_usage", r"ELSE 'idempotency_conflict'", "ELSE 'repeated'"),
    ("what was corrected stays earned", "correct_usage", r"PERFORM recognise_grants\([^;]*;", ""),
    ("what comes back to a closed window stays", "correct_usage", r"PERFORM expire_due\([^;]*;", ""),
    ("a counter keeps what was corrected", "correct_usage", r"o\.value \+ m\.move", "o.value"),
    ("a window is reopened for ever", "reopened_window", r"AND p_at < [^$]*", ""),
    ("what was reopened stays expired", "reopen_expired", r"expired = g\.expired - u\.back, ", ""),
    *HOLD_FAULTS,
    ("breakage takes what was earned", "recognise", r"broken := settled_minor\(g\) - earned", "broken := settled_minor(g)"),
    ("what broke cannot go back", "take_back", r", recognised_minor = earned, broken_minor = broken", ""),
    *TEAM_FAULTS,
    *SIZE_FAULTS,
    *WAY_FAULTS,
    *ARCHIVE_FAULTS,
    *USE_FAULTS,
    *SUM_FAULTS,
    *IMPORT_FAULTS,
    *TAX_FAULTS,
    *COUPON_FAULTS,
)  # fmt: skip
IN_TABLES = (
    ("entries can be changed", "ALTER TABLE entries DISABLE TRIGGER entries_append_only"),
    ("postings can be emptied", "ALTER TABLE postings DISABLE TRIGGER postings_no_truncate"),
    ("transfers need not sum", "ALTER TABLE postings DISABLE TRIGGER postings_sum_to_zero"),
    ("two purchases may be open", "DROP INDEX charges_one_open_auto"),
    ("a removal is not looked at", "ALTER TABLE grants DISABLE TRIGGER grants_credits_left"),
    ("keys may repeat", "ALTER TABLE entries DROP CONSTRAINT entries_key"),
    ("the application may write", "GRANT UPDATE ON wallets TO drawdown_app"),
)
# Whose laws notice them most probably.
THEMES = (
    (HOLD_FAULTS, HOLD_LAWS),
    (TEAM_FAULTS, TEAM_LAWS),
    (SIZE_FAULTS, SIZE_LAWS),
    (WAY_FAULTS, WAY_LAWS),
    (ARCHIVE_FAULTS, ARCHIVE_LAWS),
    (USE_FAULTS, USE_LAWS),
    (SUM_FAULTS, SUM_LAWS),
    (IMPORT_FAULTS, IMPORT_LAWS),
    (TAX_FAULTS, TAX_LAWS),
    (COUPON_FAULTS, COUPON_LAWS),
)
MUTANTS = [name for name, *_ in (*IN_FUNCTIONS, *IN_TABLES)]


class Bench:
    """A migrated database, and an engine on it, for one fault in a function after the other.

    Most laws roll back what they do. Where a broken one has kept something, the next fault gets a
    fresh database: it is to be noticed for what it does itself.
    """

    def __init__(self, postgres, new_database):
        self.postgres, self.new_database = postgres, new_database
        self.lay()

    def lay(self):
        self.database = self.new_database()
        self.engine = connect(self.database.url, pool_size=CONNECTIONS)
        self.rows = self.count()

    def clear(self):
        self.engine.dispose()
        self.postgres.drop_database(self.database.name)

    def count(self):
        """Return how many rows each table has."""
        with psycopg.connect(self.database.owner_url) as owner:
            tables = owner.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            counts = (f"SELECT '{table}', count(*) FROM {table}" for (table,) in tables)
            return dict(owner.execute(" UNION ALL ".join(counts)).fetchall())

    def first_broken(self, name, function, pattern, replacement):
        """Return the first law that is broken while a fault is in a function."""
        with psycopg.connect(self.database.owner_url) as owner:
            sound = seed(owner, function, pattern, replacement)
        likely = [
            law for faults, laws in THEMES if name in [one for one, *_ in faults] for law in laws
        ]
        about = f"{name}: {function}"
        killer = first_broken(self.database, about, likely=likely, engine=self.engine)
        if self.count() == self.rows:
            with psycopg.connect(self.database.owner_url) as owner:
                owner.execute(sound)
        else:
            self.clear()
            self.lay()
        return killer


@pytest.fixture(scope="module")
def bench(postgres, new_database):
    made = Bench(postgres, new_database)
    yield made
    assert first_broken(made.database) is None  # whatever was seeded there before
    made.clear()


def seed(owner, function, pattern, replacement):
    """Seed a fault in a function; return what it was."""
    (sound,) = owner.execute("SELECT pg_get_functiondef(%s::regproc)", (function,)).fetchone()
    faulty, replaced = re.subn(pattern.replace(" ", r"\s+"), replacement, sound)
    assert replaced, f"nothing in {function} matches {pattern}: mend the mutant"
    owner.execute(faulty)
    return sound


@pytest.mark.long
def test_the_laws_hold_where_nothing_is_seeded(unguarded_database):
    assert first_broken(unguarded_database) is None


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "function", "pattern", "replacement"),
    IN_FUNCTIONS,
    ids=[name for name, *_ in IN_FUNCTIONS],
)
def test_every_fault_seeded_in_a_function_breaks_a_law(
    bench, record_property, name, function, pattern, replacement
):
    killer = bench.first_broken(name, function, pattern, replacement)

    record_property("killed by", str(killer))
    assert killer is not None, f"{name!r} survived"


@pytest.mark.long
@pytest.mark.parametrize(("name", "fault"), IN_TABLES, ids=[name for name, _ in IN_TABLES])
def test_every_fault_seeded_in_a_table_breaks_a_law(
    unguarded_database, record_property, name, fault
):
    with psycopg.connect(unguarded_database.owner_url) as owner:
        owner.execute(fault)

    killer = first_broken(unguarded_database)

    record_property("killed by", str(killer))
    assert killer is not None, f"{name!r} survived"


def test_more_than_a_dozen_faults_are_seeded_and_each_has_a_name():
    assert len(set(MUTANTS)) == len(MUTANTS) >= 12
