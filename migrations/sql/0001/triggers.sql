-- What holds whoever writes.

ALTER TABLE grants ADD CONSTRAINT grants_sound CHECK (grant_is_sound(grants));
ALTER TABLE entries ADD CONSTRAINT entries_sound CHECK (entry_is_sound(entries));
CREATE TRIGGER wallets_begin_sound BEFORE INSERT ON wallets
    FOR EACH ROW EXECUTE FUNCTION wallet_is_sound();
-- After, not before: a trigger before an update locks the row once more.
CREATE TRIGGER wallets_stay_sound AFTER UPDATE OF state, window_start, window_end ON wallets
    FOR EACH ROW EXECUTE FUNCTION wallet_is_sound();

-- All ways for credits to leave but a debit name one of these columns.
CREATE CONSTRAINT TRIGGER grants_credits_left
    AFTER UPDATE OF held, expired, voided, refunded, rolled, unrolled ON grants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credits_left();

CREATE TRIGGER entries_append_only BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER entries_leave_as_they_are BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION leaves_as_it_is();

CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER archived_entries_append_only BEFORE UPDATE OR DELETE ON archived_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER archived_entries_no_truncate BEFORE TRUNCATE ON archived_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER postings_no_truncate BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE CONSTRAINT TRIGGER postings_sum_to_zero AFTER INSERT ON postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION transfer_sums_to_zero();

CREATE TRIGGER published_append_only BEFORE UPDATE OR DELETE ON published
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER published_no_truncate BEFORE TRUNCATE ON published
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER imports_append_only BEFORE UPDATE OR DELETE ON imports
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER imports_no_truncate BEFORE TRUNCATE ON imports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER closed_months_append_only BEFORE UPDATE OR DELETE ON closed_months
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER closed_months_no_truncate BEFORE TRUNCATE ON closed_months
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER closed_figures_append_only BEFORE UPDATE OR DELETE ON closed_figures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER closed_figures_no_truncate BEFORE TRUNCATE ON closed_figures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER grants_wake AFTER INSERT ON grants
    FOR EACH ROW EXECUTE FUNCTION tell_of_wallet();

-- What no debit or hold writes: they are told of after their commit, many in one notice.
CREATE TRIGGER entries_wake AFTER INSERT ON entries
    FOR EACH ROW WHEN (new.kind NOT IN ('grant', 'debit', 'hold', 'capture', 'release'))
    EXECUTE FUNCTION tell_of_wallet();

-- By columns that no debit names: a plain debit runs no trigger.
CREATE TRIGGER wallets_wake AFTER UPDATE OF state, paused_by, window_end ON wallets
    FOR EACH ROW WHEN ((old.state, old.paused_by, old.window_end)
                       IS DISTINCT FROM (new.state, new.paused_by, new.window_end))
    EXECUTE FUNCTION tell_of_wallet();

-- Only where a request is named: a debit pays for one comparison a line.
CREATE TRIGGER entries_of_request AFTER INSERT ON entries
    FOR EACH ROW WHEN (new.line = 0 AND current_setting('drawdown.request', true) <> '')
    EXECUTE FUNCTION note_line_of_request();
CREATE TRIGGER charges_of_request AFTER INSERT ON charges
    FOR EACH ROW WHEN (current_setting('drawdown.request', true) <> '')
    EXECUTE FUNCTION note_charge_of_request();

-- A key that was revoked or replaced stays so, whoever would have it otherwise.
CREATE TRIGGER api_keys_stay_ended BEFORE UPDATE ON api_keys FOR EACH ROW
    WHEN (old.revoked_at IS NOT NULL AND ROW(new.revoked_at, new.revoked_by)
              IS DISTINCT FROM ROW(old.revoked_at, old.revoked_by)
          OR old.replaced_by IS NOT NULL AND ROW(new.replaced_by, new.expires_at)
              IS DISTINCT FROM ROW(old.replaced_by, old.expires_at))
    EXECUTE FUNCTION refuse_change();
