-- What the seller's systems are told of (functions/webhooks.sql), written as transactions end.
CREATE CONSTRAINT TRIGGER outbox_event AFTER INSERT ON outbox
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.topic IN ('crossing', 'alert'))
    EXECUTE FUNCTION event_of_message();
CREATE CONSTRAINT TRIGGER notices_event AFTER INSERT ON notices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.kind = 'credits_expiring')
    EXECUTE FUNCTION event_of_notice();
CREATE CONSTRAINT TRIGGER grants_event AFTER INSERT ON grants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.source <> 'overdraft')
    EXECUTE FUNCTION event_of_grant();
CREATE CONSTRAINT TRIGGER grants_expiry_event AFTER UPDATE OF expired ON grants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.expired > old.expired AND new.source <> 'overdraft')
    EXECUTE FUNCTION event_of_expiry();
CREATE CONSTRAINT TRIGGER wallets_event AFTER UPDATE OF window_start, frozen ON wallets
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.window_start IS DISTINCT FROM old.window_start OR new.frozen <> old.frozen)
    EXECUTE FUNCTION event_of_window();
CREATE CONSTRAINT TRIGGER charges_event AFTER INSERT OR UPDATE OF state, declines ON charges
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.quantity IS NOT NULL AND new.kind <> 'import') -- nothing was bought here
    EXECUTE FUNCTION event_of_purchase();
CREATE CONSTRAINT TRIGGER subscriptions_event
    AFTER UPDATE OF plan, status, period_start, cancel_at_end ON subscriptions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_of_subscription();
CREATE CONSTRAINT TRIGGER pauses_event AFTER INSERT ON pauses
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_of_pause();
CREATE CONSTRAINT TRIGGER approvals_event AFTER INSERT OR UPDATE OF state ON approvals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_of_approval();
CREATE CONSTRAINT TRIGGER refunds_event AFTER INSERT OR UPDATE OF state ON refunds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_of_refund();
CREATE CONSTRAINT TRIGGER disputes_event AFTER INSERT OR UPDATE OF state ON disputes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_of_dispute();

CREATE TRIGGER webhook_events_append_only
    BEFORE UPDATE OF account_id, number, type, catalog, credit_type, seq, at, payload, recorded_at
        OR DELETE ON webhook_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER webhook_events_no_truncate BEFORE TRUNCATE ON webhook_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
