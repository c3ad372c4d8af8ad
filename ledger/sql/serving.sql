-- What every change of a wallet asks first: its window, its refusals, what a shortfall comes to,
-- and whether a key is bound.

-- The window that holds p_at; windows that are paid for are entered by the instant, not by a sweep.
-- Holds that have lapsed by then are released, likewise.
CREATE OR REPLACE FUNCTION enter_window(w wallets, p_at timestamptz) RETURNS wallets
LANGUAGE plpgsql AS $$
BEGIN
    IF w.next_lapse <= p_at THEN w := release_lapsed(w, p_at); END IF;
    IF p_at < w.window_end OR w.state <> 'active' THEN RETURN w; END IF;
    SELECT n.window_start, n.window_end INTO w.window_start, w.window_end FROM windows n
    WHERE n.account_id = w.account_id AND n.window_start <= p_at
    ORDER BY n.window_start DESC LIMIT 1;
    UPDATE wallets SET window_start = w.window_start, window_end = w.window_end
    WHERE account_id = w.account_id AND window_start <> w.window_start;
    IF FOUND THEN w.alert_level := arm_alerts(w); END IF;
    RETURN w;
END $$;

-- Between which instants the cap of auto-purchase counts at p_at: its own window where the plan
-- gives it one, else the allowance's.
CREATE OR REPLACE FUNCTION cap_window(
    p_window_start timestamptz, p_window_end timestamptz, p_cap_bounds timestamptz[],
    p_at timestamptz
) RETURNS tstzrange LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN c.starts IS NULL OR c.ends IS NULL
                THEN tstzrange(p_window_start, p_window_end)
                ELSE tstzrange(c.starts, c.ends) END
    FROM (SELECT max(b) FILTER (WHERE b <= p_at) AS starts, min(b) FILTER (WHERE b > p_at) AS ends
          FROM unnest(p_cap_bounds) b) c
$$;

-- Micro-credits paid for and reserved against the cap. What was paid counts at its payment; what is
-- in flight counts now, for it may be paid now.
CREATE OR REPLACE FUNCTION auto_purchased(
    p_account bigint, p_window_start timestamptz, p_window_end timestamptz,
    p_cap_bounds timestamptz[], p_at timestamptz
) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(c.quantity), 0)::bigint FROM charges c
    WHERE c.account_id = p_account AND c.kind = 'auto_purchase'
      AND c.state IN ('open', 'processing', 'paid')
      AND CASE WHEN p_cap_bounds IS NULL THEN c.window_start = p_window_start
               ELSE c.settled_at <@ cap_window(p_window_start, p_window_end, p_cap_bounds, p_at)
                    OR c.state <> 'paid' END
$$;

-- Whole units that a shortfall needs beside a purchase in flight. Debt is repaid out of them first.
CREATE OR REPLACE FUNCTION units_short(p policies, p_missing bigint) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT greatest(0, ceil((p_missing + debt_of((p).account_id, (p).auto_credit_type) - coalesce((
        SELECT c.quantity FROM charges c
        WHERE c.account_id = (p).account_id AND c.kind = 'auto_purchase' AND c.state = 'open'
    ), 0))::numeric / (p).auto_unit))
$$;

-- What a shortfall of p_missing comes to: purchase_needed | cap_reached | above_maximum |
-- payment_processing | no_payment_method | payment_method_not_accepted | insufficient_credits.
-- An open purchase that covers it is
-- waited for, though the cap may leave no other; one whose money is on its way for days is not, and
-- no other is made beside it. p_asked: a person is asked, so that the switch does not matter.
CREATE OR REPLACE FUNCTION shortfall_verdict(
    w wallets, p_credit_type text, p_missing bigint, p_at timestamptz, p_asked boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    p      policies;
    units  numeric;
    reason text;
BEGIN
    IF w.paused_by <> '{}' THEN RETURN 'paused:' || w.paused_by[1]; END IF;
    IF p_at >= w.window_end AND p_at < w.kept_until THEN RETURN 'payment_processing'; END IF;
    SELECT * INTO p FROM policies WHERE account_id = w.account_id;
    IF NOT coalesce((p.auto_on OR p_asked) AND p.auto_credit_type = p_credit_type, false) THEN
        RETURN 'insufficient_credits';
    END IF;
    reason := unpayable(p, p.auto_kinds);
    IF reason IS NOT NULL THEN
        RETURN CASE WHEN p.auto_on THEN reason ELSE 'insufficient_credits' END;
    END IF;
    IF EXISTS (SELECT FROM charges c WHERE c.account_id = w.account_id AND c.kind = 'auto_purchase'
                                       AND c.state = 'processing') THEN
        RETURN 'payment_processing';
    END IF;
    units := units_short(p, p_missing);
    IF auto_purchased(w.account_id, w.window_start, w.window_end, p.cap_bounds, p_at)
       + units * p.auto_unit > p.auto_cap THEN
        RETURN 'cap_reached';
    END IF;
    IF (quote_units(p, units)).amount_minor > most_minor(p.currency) THEN
        RETURN 'above_maximum';  -- nobody waits for it, or is asked to agree to it
    END IF;
    RETURN 'purchase_needed';
END $$;

-- Why the wallet does not serve at p_at, or NULL. `w` has entered its window.
CREATE OR REPLACE FUNCTION wallet_refusal(w wallets, p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN w.state = 'none' THEN 'no_subscription'
        WHEN w.state = 'ended' THEN 'subscription_ended'
        WHEN w.paused_by <> '{}' THEN 'paused:' || w.paused_by[1]
        WHEN p_at >= w.window_end THEN 'renewal_pending'
    END
$$;

-- Why the wallet does not debit at p_at, or NULL. While a renewal is unpaid, or its money is on its
-- way, and the plan is patient, what has not expired serves: the allowance has. Nothing is bought
-- by itself meanwhile.
CREATE OR REPLACE FUNCTION serving_refusal(w wallets, p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN w.state = 'active' AND (w.paused_by = '{payment_failed}' OR w.paused_by = '{}')
                     AND p_at < w.kept_until THEN NULL
                ELSE wallet_refusal(w, p_at) END
$$;

-- Usage keys are the senders' own; the ledger's begin with ledger: and cannot be taken by a sender,
-- who could otherwise keep paid credits from being granted.
CREATE OR REPLACE FUNCTION is_usage_key(p_key text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(length(p_key) BETWEEN 1 AND 200 AND NOT p_key ^@ 'ledger:', false)
$$;

-- A refusal is a decision too: what comes after it cannot be decided before it.
CREATE OR REPLACE FUNCTION note_decision(p_account bigint, p_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    UPDATE wallets SET decided_at = p_at WHERE account_id = p_account AND decided_at < p_at
$$;

CREATE OR REPLACE FUNCTION note_crossing(
    p_account bigint, p_seq bigint, p_credit_type text
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (account_id, message_key, topic, payload)
    VALUES (p_account, 'zero:' || p_seq, 'crossing',
            jsonb_build_object('crossing', 'zero', 'seq', p_seq, 'credit_type', p_credit_type))
$$;

-- What an operation took, by credit type, and as what it was served.
CREATE OR REPLACE FUNCTION detail_of(
    p_credit_type text[], p_take bigint[], p_served_as text
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'charged', jsonb_object_agg(t.credit_type, t.taken ORDER BY t.first)
                       FILTER (WHERE t.taken > 0),
        'served_as', p_served_as))
    FROM (SELECT u.credit_type, min(u.ord) AS first, sum(u.take) AS taken
          FROM unnest(p_credit_type, p_take) WITH ORDINALITY AS u (credit_type, take, ord)
          GROUP BY u.credit_type) t
$$;

-- The same of one in the journal.
CREATE OR REPLACE FUNCTION debit_detail(p_account bigint, p_seq bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT detail_of(array_agg(e.credit_type ORDER BY e.line), array_agg(-e.change ORDER BY e.line),
                     min(e.served_as))
    FROM journal e WHERE e.account_id = p_account AND e.seq = p_seq
$$;

-- The first answer to a key, if it binds: repeated | idempotency_conflict, else a status of NULL.
CREATE OR REPLACE FUNCTION recall(
    p_account bigint, p_key text, p_kind entry_kind, p_action text, p_quantity bigint,
    p_credit_type text, p_amount bigint, p_event_at timestamptz, p_tags jsonb
) RETURNS debit_outcome LANGUAGE plpgsql STABLE AS $$
DECLARE
    r    debit_outcome;
    old  entries;
    same boolean;
BEGIN
    SELECT * INTO old FROM journal e WHERE e.account_id = p_account AND e.key = p_key;
    IF NOT FOUND THEN RETURN r; END IF;
    same := (old.kind, old.action, old.quantity, old.tags)
            IS NOT DISTINCT FROM (p_kind, p_action, p_quantity, p_tags)
            AND CASE p_kind WHEN 'debit' THEN old.event_at = p_event_at
                ELSE (p_credit_type, p_amount) = (
                    SELECT old.credit_type, -sum(e.change) FROM journal e
                    WHERE e.account_id = p_account AND e.seq = old.seq) END;
    r.status := CASE WHEN same THEN 'repeated' ELSE 'idempotency_conflict' END;
    r.seq := old.seq; r.available := old.available_after; r.crossed := false;
    IF same THEN r.detail := debit_detail(p_account, old.seq); END IF;
    RETURN r;
END $$;
