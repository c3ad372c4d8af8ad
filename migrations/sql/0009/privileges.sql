-- The application reads everything and changes wallets, grants, entries, charges and postings only
-- through the functions; plain records it writes itself.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'drawdown_app') THEN
        CREATE ROLE drawdown_app NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO drawdown_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO drawdown_app;
GRANT UPDATE (name, email, locale, time_zone, payer, payment_method, finance_email)
    ON customers TO drawdown_app;
GRANT INSERT, UPDATE ON subscriptions, policies, charge_notes TO drawdown_app;
GRANT INSERT, UPDATE, DELETE ON kept_requests TO drawdown_app;
GRANT INSERT, DELETE, UPDATE (opened_at) ON portal_sessions TO drawdown_app;
GRANT INSERT,
    UPDATE (name, role, password, issuer, subject, epoch, failures, locked_until, disabled_at)
    ON operators TO drawdown_app;
GRANT INSERT, UPDATE (state, decided_by, decided_at) ON operator_acts TO drawdown_app;
GRANT UPDATE (plan_revision) ON wallets TO drawdown_app;
GRANT INSERT ON refusals, outbox, notices, findings, kept_answers, pauses, imports, published,
    api_keys, named_requests, closed_months, closed_figures TO drawdown_app;
GRANT INSERT, UPDATE ON webhook_endpoints TO drawdown_app;
GRANT INSERT (account_id, number, endpoint_id, next_at) ON webhook_deliveries TO drawdown_app;
GRANT UPDATE (state, attempts, next_at, last_status, last_failure, delivered_at)
    ON webhook_deliveries TO drawdown_app;
GRANT UPDATE (delivered_at, refused) ON outbox TO drawdown_app;
GRANT UPDATE (read_at) ON notices TO drawdown_app;
GRANT UPDATE (settled_by, settled_reason, settled_at) ON findings TO drawdown_app;
GRANT UPDATE (last_used_at, expires_at, replaced_by, revoked_at, revoked_by)
    ON api_keys TO drawdown_app;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    debit, debit_one, check_debit, check_debits,
    lock_wallet, open_wallet, open_windows, cut_windows, set_paused, end_wallet,
    balance_at, serving_refusal, wallet_refusal,
    grant_credits, expire_due, remove_credits, reserve_auto_purchase, open_charge, mark_paid,
    mark_declined, mark_processing, mark_received, mark_void, refund_charge, note_refund,
    note_dispute, used_of, capped, credits_worth, refunds_of, disputes_of, recognise,
    auto_purchased, cap_window, put_thresholds, seq_before, hold, capture_hold, extend_hold,
    release_hold, lapse_holds, lapsed_by, set_limit, set_frozen, is_purchased, grants_to_burn,
    is_usable, unused_of_rolled, counter_value, set_member, remove_member, member_refusal,
    keep_serving, correct_usage, take_up_charge, ask_approval, lapse_approval, may_decide,
    settle_approval, need_for_approval, operation_of, free_types, archive_entries,
    publish_events, remember_consents, seqs_before, booked_near, booked_far, used_of_type,
    used_between, book_import, returns_book, unpayable,
    first_line, days_between, booked_after, sum_up_days,
    price_of, tax_in, with_tax, net_refunds_of, net_disputes_of, tax_charge,
    coupon_is_left, redeem_coupon, coupon_code, redeem_for_plan, periods_with_coupon,
    discount_period, promotion_is_left, grant_before_money, is_booked, failed_of, receivable_of
    TO drawdown_app;
