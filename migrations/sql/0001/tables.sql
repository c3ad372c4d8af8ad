-- What belongs to an account carries its key, in every unique and foreign key too, so that accounts
-- can be spread over machines (ledger/distribution says where each table goes). Credits are
-- micro-credits (1 credit = 1,000,000), money is minor units of its currency. Constraints are
-- named: tests attack each one.

CREATE TYPE entry_kind AS ENUM
    ('grant', 'debit', 'hold', 'capture', 'release', 'expiry', 'adjustment', 'void', 'correction',
     'rollover', 'refund', 'chargeback', 'debt', 'reopen', 'repayment');
CREATE TYPE book AS ENUM
    ('cash', 'deferred_revenue', 'revenue', 'breakage', 'refunds', 'disputes', 'opening');

-- Laws of a single column that a debit does not change are domains: PostgreSQL parses and checks
-- the table constraints of a row on every statement that changes it, and domains only when
-- assigned.
CREATE DOMAIN grant_source AS text CONSTRAINT grants_source CHECK (value IN
    ('allowance', 'pack', 'auto_purchase', 'manual_purchase', 'bonus', 'rollover', 'adjustment',
     'overdraft', 'trial'));
CREATE DOMAIN granted_credits AS bigint CONSTRAINT grants_granted CHECK (value > 0);
CREATE DOMAIN expired_credits AS bigint CONSTRAINT grants_expired CHECK (value >= 0);
CREATE DOMAIN voided_credits AS bigint CONSTRAINT grants_voided CHECK (value >= 0);
CREATE DOMAIN cost_money AS bigint CONSTRAINT grants_cost CHECK (value >= 0);
CREATE DOMAIN recognised_money AS bigint CONSTRAINT grants_recognised CHECK (value >= 0);
CREATE DOMAIN broken_money AS bigint CONSTRAINT grants_broken CHECK (value >= 0);
CREATE DOMAIN refunded_money AS bigint CONSTRAINT grants_refunded CHECK (value >= 0);
CREATE DOMAIN refunded_credits AS bigint CONSTRAINT grants_refunded_credits CHECK (value >= 0);
CREATE DOMAIN owed_credits AS bigint CONSTRAINT grants_owed CHECK (value >= 0);
CREATE DOMAIN rolled_credits AS bigint CONSTRAINT grants_rolled CHECK (value >= 0);
CREATE DOMAIN rolled_money AS bigint CONSTRAINT grants_rolled_money CHECK (value >= 0);
CREATE DOMAIN roll_count AS integer CONSTRAINT grants_rolls_left CHECK (value >= 0);
CREATE DOMAIN roll_share AS bigint CONSTRAINT grants_roll_share CHECK (value > 0);
CREATE DOMAIN roll_limit AS bigint CONSTRAINT grants_roll_cap CHECK (value > 0);
CREATE DOMAIN wallet_state AS text
    CONSTRAINT wallets_state CHECK (value IN ('none', 'active', 'ended'));
CREATE DOMAIN pause_causes AS text[]
    CONSTRAINT wallets_pause_causes CHECK (value <@ ARRAY['payment_failed', 'by_operator']);
CREATE DOMAIN alert_balance AS bigint CONSTRAINT wallets_alert_level CHECK (value >= -1);
CREATE DOMAIN entry_quantity AS bigint CONSTRAINT entries_quantity CHECK (value > 0);
CREATE DOMAIN changed_debt AS bigint CONSTRAINT entries_debt CHECK (value <> 0);
CREATE DOMAIN entry_key AS text
    CONSTRAINT entries_key_length CHECK (length(value) BETWEEN 1 AND 500);

CREATE TABLE customers (
    customer_id text        NOT NULL CONSTRAINT customers_pk PRIMARY KEY
                            CONSTRAINT customers_id_length
                            CHECK (length(customer_id) BETWEEN 1 AND 200),
    account_id  bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT customers_account UNIQUE,
    name        text        NOT NULL,
    email       text        NOT NULL,
    locale      text        NOT NULL,
    time_zone   text        NOT NULL,
    payer       text        CONSTRAINT customers_payer UNIQUE,  -- the processor's id
    payment_method text,                             -- the card that is charged; the processor's id
    finance_email text,                              -- receipts go there as well
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX customers_by_card ON customers (payment_method) WHERE payment_method IS NOT NULL;

-- The lock row. Everything that refuses a debit without looking at grants is in it.
-- Laws of several columns of wallets, grants and entries are in functions/row_laws.sql.
CREATE TABLE wallets (
    account_id   bigint      CONSTRAINT wallets_pk PRIMARY KEY REFERENCES customers (account_id),
    seq          bigint      NOT NULL DEFAULT 0,               -- last entry, without gaps
    decided_at   timestamptz NOT NULL DEFAULT '-infinity',     -- never goes back
    transfer_seq bigint      NOT NULL DEFAULT 0,               -- last transfer of money
    state        wallet_state NOT NULL DEFAULT 'none',
    paused_by    pause_causes NOT NULL DEFAULT '{}',
    window_start timestamptz,                                  -- the current allowance window
    window_end   timestamptz,
    alert_type   text,                                         -- the credit type that alerts watch
    alert_level  alert_balance NOT NULL DEFAULT -1,            -- fires at or below; -1: none left
    frozen       boolean     NOT NULL DEFAULT false,           -- purchased credits wait
    kept_until   timestamptz,                                  -- what is left serves, though unpaid
    next_lapse   timestamptz NOT NULL DEFAULT 'infinity',      -- of its open holds
    archived_seq bigint      NOT NULL DEFAULT 0,               -- last entry in the archive
    plan_revision bigint     NOT NULL DEFAULT 0                -- counts plans that were in force
) WITH (fillfactor = 50);

-- What the lock must know of the plan; written together with the workflow's own snapshot.
CREATE TABLE policies (
    account_id         bigint  CONSTRAINT policies_pk PRIMARY KEY REFERENCES wallets,
    late_usage         text    NOT NULL DEFAULT 'book_now'
                       CONSTRAINT policies_late_usage
                       CHECK (late_usage IN ('book_now', 'reopen', 'refuse')),
    own_alerts         boolean NOT NULL DEFAULT false,  -- thresholds are the customer's
    reopen_days        integer NOT NULL DEFAULT 0
                       CONSTRAINT policies_reopen_days CHECK (reopen_days BETWEEN 0 AND 3660),
    debt_repaid_from   text    NOT NULL DEFAULT 'purchases'  -- as they come, before anything else
                       CONSTRAINT policies_debt_repaid_from
                       CHECK (debt_repaid_from IN ('purchases', 'all_grants')),
    buys_while_paused  boolean NOT NULL DEFAULT false,  -- resume_on: any_successful_payment
    card_usable        boolean NOT NULL DEFAULT false,  -- there is a payment method to charge
    pays_with          text    NOT NULL DEFAULT 'card',  -- its kind
    auto_kinds         text[]  NOT NULL DEFAULT '{card}',  -- that auto-purchase may charge
    currency           text    NOT NULL,
    auto_on            boolean NOT NULL DEFAULT false,
    auto_credit_type   text,
    auto_unit          bigint  CONSTRAINT policies_auto_unit CHECK (auto_unit > 0),
    auto_cap           bigint  CONSTRAINT policies_auto_cap CHECK (auto_cap >= 0),
    cap_bounds         timestamptz[],              -- between which the cap counts; NULL: the window
    auto_price_num     bigint  CONSTRAINT policies_auto_price CHECK (auto_price_num > 0),
    auto_price_den     bigint  CONSTRAINT policies_auto_price_den CHECK (auto_price_den > 0),
    auto_surcharge_num bigint  CONSTRAINT policies_auto_surcharge CHECK (auto_surcharge_num >= 0),
    auto_surcharge_den bigint
                       CONSTRAINT policies_auto_surcharge_den CHECK (auto_surcharge_den > 0),
    CONSTRAINT policies_auto_complete CHECK (
        num_nulls(auto_credit_type, auto_unit, auto_cap, auto_price_num, auto_price_den,
                  auto_surcharge_num, auto_surcharge_den) IN (0, 7)),
    CONSTRAINT policies_auto_needs_terms CHECK (NOT auto_on OR auto_unit IS NOT NULL)
);

CREATE TABLE subscriptions (
    subscription_id text        NOT NULL CONSTRAINT subscriptions_id UNIQUE
                    CONSTRAINT subscriptions_id_length
                    CHECK (length(subscription_id) BETWEEN 1 AND 200),
    account_id      bigint      NOT NULL REFERENCES wallets,
    plan            jsonb       NOT NULL,                           -- the immutable plan version
    status          text        NOT NULL
                    CONSTRAINT subscriptions_status CHECK (status IN
                        ('pending', 'trialing', 'active', 'past_due', 'paused', 'canceled',
                         'ended')),
    anchor          timestamptz NOT NULL,
    time_zone       text        NOT NULL,
    begins_at       timestamptz,                                    -- NULL: at the anchor
    trial_ends_at   timestamptz,
    period_k        integer     NOT NULL                            -- -1: a trial, or none yet
                    CONSTRAINT subscriptions_period CHECK (period_k >= -1),
    period_start    timestamptz,
    period_end      timestamptz,
    next_plan       jsonb,                                          -- a scheduled downgrade
    cancel_at_end   boolean     NOT NULL DEFAULT false,
    updated_at      timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_pk PRIMARY KEY (account_id, subscription_id),
    CONSTRAINT subscriptions_period_order CHECK (period_start < period_end)
);
CREATE UNIQUE INDEX subscriptions_one_live ON subscriptions (account_id) WHERE status <> 'ended';
-- One trial per customer, ever.
CREATE UNIQUE INDEX subscriptions_one_trial ON subscriptions (account_id)
    WHERE trial_ends_at IS NOT NULL;

-- Allowance windows that are paid for; the wallet shows the current one.
CREATE TABLE windows (
    account_id      bigint      NOT NULL REFERENCES wallets,
    window_start    timestamptz NOT NULL,
    window_end      timestamptz NOT NULL,
    subscription_id text        NOT NULL,
    CONSTRAINT windows_pk PRIMARY KEY (account_id, window_start),
    CONSTRAINT windows_end UNIQUE (account_id, window_end),
    CONSTRAINT windows_subscription
        FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT windows_order CHECK (window_start < window_end)
);

CREATE TABLE charges (
    account_id      bigint      NOT NULL REFERENCES wallets,
    charge_id       text        NOT NULL,
    subscription_id text        NOT NULL,
    kind            text        NOT NULL CONSTRAINT charges_kind CHECK
                    (kind IN ('period', 'upgrade', 'manual_purchase', 'auto_purchase', 'pack',
                              'import')),
    state           text        NOT NULL DEFAULT 'open'
                    CONSTRAINT charges_state
                    CHECK (state IN ('open', 'processing', 'paid', 'void')),
    currency        text        NOT NULL
                    CONSTRAINT charges_currency CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor    bigint      NOT NULL CONSTRAINT charges_amount CHECK (amount_minor > 0),
    surcharge_minor bigint      NOT NULL DEFAULT 0,        -- the part of amount_minor
    quantity        bigint,                                -- credits it buys, if a purchase
    pack            jsonb,                                 -- the pack as it was sold
    window_start    timestamptz,                           -- the window it counts against
    window_end      timestamptz,
    opened_at       timestamptz NOT NULL,
    settled_at      timestamptz,
    received_at     timestamptz,                           -- its money came, and waits for a window
    declines        integer     NOT NULL DEFAULT 0,
    decline_code    text,
    invoice         text,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT charges_pk PRIMARY KEY (account_id, charge_id),
    CONSTRAINT charges_subscription
        FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions,
    CONSTRAINT charges_surcharge CHECK (surcharge_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT charges_settled CHECK ((state IN ('open', 'processing')) = (settled_at IS NULL)),
    CONSTRAINT charges_purchase_quantity CHECK
        ((kind IN ('manual_purchase', 'auto_purchase', 'pack', 'import'))
         = (quantity IS NOT NULL)),
    -- Paid elsewhere: no processor knows it, and it counts in no window.
    CONSTRAINT charges_import CHECK
        (kind <> 'import' OR state = 'paid' AND surcharge_minor = 0
                             AND num_nonnulls(invoice, window_start, window_end) = 0),
    CONSTRAINT charges_quantity CHECK (quantity > 0),
    CONSTRAINT charges_pack CHECK ((kind = 'pack') = (pack IS NOT NULL)),
    CONSTRAINT charges_invoice UNIQUE (account_id, invoice)
);
-- One auto-purchase in flight per wallet, whoever asks.
CREATE UNIQUE INDEX charges_one_open_auto ON charges (account_id)
    WHERE kind = 'auto_purchase' AND state IN ('open', 'processing');

-- The processor's events name the invoice only.
CREATE INDEX charges_of_invoice ON charges (invoice) WHERE invoice IS NOT NULL;
-- A paid invoice whose charge may be lost names the charge: its customer is looked up.
CREATE INDEX charges_by_id ON charges (charge_id);

-- What a workflow must know to go on with an open charge if it is lost. Written with the charge, so
-- that one without a note was never shown to the processor.
CREATE TABLE charge_notes (
    account_id bigint NOT NULL,
    charge_id  text   NOT NULL,
    note       jsonb  NOT NULL CONSTRAINT charge_notes_object CHECK (jsonb_typeof(note) = 'object'),
    CONSTRAINT charge_notes_pk PRIMARY KEY (account_id, charge_id),
    CONSTRAINT charge_notes_charge FOREIGN KEY (account_id, charge_id) REFERENCES charges
);

-- Updates that were asked for with a key, and what was answered: the same again gets it again.
CREATE TABLE kept_answers (
    account_id  bigint      NOT NULL REFERENCES wallets,
    subscription_id text    NOT NULL,
    key         text        NOT NULL
                CONSTRAINT kept_answers_key_length CHECK (length(key) BETWEEN 1 AND 200),
    request     text        NOT NULL,                        -- "cancel now", "change_plan core_40k"
    answer      jsonb       NOT NULL
                CONSTRAINT kept_answers_answer CHECK (jsonb_typeof(answer) = 'object'),
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT kept_answers_pk PRIMARY KEY (account_id, subscription_id, key),
    CONSTRAINT kept_answers_subscription
        FOREIGN KEY (account_id, subscription_id) REFERENCES subscriptions
);

-- When and why a wallet was paused and resumed, and by whom, for people to read.
CREATE TABLE pauses (
    account_id  bigint      NOT NULL REFERENCES wallets,
    pause_id    bigint      GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL,
    cause       text        NOT NULL,
    paused      boolean     NOT NULL,                               -- false: resumed
    reason      text        NOT NULL DEFAULT '',
    made_by     text        NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pauses_pk PRIMARY KEY (account_id, pause_id)
);

-- Rows of files from another system: what each said, when it was imported, and by whom.
CREATE TABLE imports (
    account_id  bigint      NOT NULL REFERENCES wallets,
    kind        text        NOT NULL CONSTRAINT imports_kind
                            CHECK (kind IN ('balance', 'subscription')),
    key         text        NOT NULL CONSTRAINT imports_key CHECK (length(key) BETWEEN 1 AND 200),
    content     jsonb       NOT NULL CONSTRAINT imports_content
                            CHECK (jsonb_typeof(content) = 'object'),
    made_by     text        NOT NULL CONSTRAINT imports_made_by
                            CHECK (length(made_by) BETWEEN 1 AND 200),
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT imports_pk PRIMARY KEY (account_id, kind, key)
);

CREATE TABLE grants (
    account_id       bigint      NOT NULL REFERENCES wallets,
    grant_id         bigint      NOT NULL,                        -- seq of the entry that made it
    credit_type      text        NOT NULL,
    scope            text[],                                      -- actions it may pay; NULL = all
    source           grant_source NOT NULL,
    priority         smallint    NOT NULL,
    effective_at     timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,                        -- infinity = never
    tie_1            bigint      NOT NULL,                        -- kept as given: later changes of
    tie_2            bigint      NOT NULL,                        -- a plan never reorder old grants
    granted          granted_credits NOT NULL,
    remaining        bigint      NOT NULL,
    held             bigint      NOT NULL DEFAULT 0,
    expired          expired_credits NOT NULL DEFAULT 0,
    voided           voided_credits NOT NULL DEFAULT 0,
    refunded         refunded_credits NOT NULL DEFAULT 0,         -- taken back with their money
    owed             owed_credits NOT NULL DEFAULT 0,             -- used, then charged back: a debt
    rolled           rolled_credits NOT NULL DEFAULT 0,           -- moved into the next window
    is_open          boolean     NOT NULL DEFAULT true,
    cost_minor       cost_money NOT NULL DEFAULT 0,
    recognised_minor recognised_money NOT NULL DEFAULT 0,
    broken_minor     broken_money NOT NULL DEFAULT 0,
    refunded_minor   refunded_money NOT NULL DEFAULT 0,
    rolled_minor     rolled_money NOT NULL DEFAULT 0,             -- the cost that moved along
    currency         text        NOT NULL,
    charge_id        text,
    part             integer,                                     -- k-th grant of its charge
    rolls_left       roll_count  NOT NULL DEFAULT 0,              -- how often it may move on,
    roll_num         roll_share  NOT NULL DEFAULT 1,              -- which share of what is unused,
    roll_den         roll_share  NOT NULL DEFAULT 1,
    roll_cap         roll_limit,                                  -- at most how much,
    roll_priority    smallint    NOT NULL DEFAULT 15,             -- and what it then burns at
    rolled_at        timestamptz NOT NULL DEFAULT 'infinity',     -- when that was decided,
    rollable         rolled_credits NOT NULL DEFAULT 0,           -- and of how many
    rolled_from      bigint,                                      -- the grant it moved out of
    unrolled         rolled_credits NOT NULL DEFAULT 0,           -- and moved back into
    CONSTRAINT grants_pk PRIMARY KEY (account_id, grant_id),
    CONSTRAINT grants_charge FOREIGN KEY (account_id, charge_id) REFERENCES charges,
    CONSTRAINT grants_charge_part UNIQUE (account_id, charge_id, part)
) WITH (fillfactor = 50);
-- The burn order of a wallet. `is_open` flips once, so that debits stay heap-only updates.
CREATE INDEX grants_rolled_from ON grants (account_id, rolled_from) WHERE rolled_from IS NOT NULL;
CREATE INDEX grants_burn ON grants (account_id, priority, expires_at, tie_1, tie_2, grant_id)
    WHERE is_open;

-- What debits count: credits of a member, exact rounding carries, confirmations, debts, keys seen
-- once for ever (window_start -infinity).
CREATE TABLE counters (
    account_id   bigint      NOT NULL REFERENCES wallets,
    counter      text        NOT NULL,
    window_start timestamptz NOT NULL,
    value        bigint      NOT NULL CONSTRAINT counters_value CHECK (value >= 0),
    CONSTRAINT counters_pk PRIMARY KEY (account_id, counter, window_start)
) WITH (fillfactor = 70);

-- How far a counter of credits may go in a window. Not a constraint of the counter: a limit lowered
-- below present use takes nothing back.
CREATE TABLE limits (
    account_id   bigint      NOT NULL REFERENCES wallets,
    counter      text        NOT NULL,
    credit_type  text        NOT NULL,
    ceiling      bigint      NOT NULL CONSTRAINT limits_ceiling CHECK (ceiling >= 0),
    refusal      text        NOT NULL DEFAULT 'user_limit'          -- what it is that refuses
                 CONSTRAINT limits_refusal
                 CHECK (refusal IN ('user_limit', 'member_removed', 'member_restricted')),
    since        timestamptz NOT NULL,
    CONSTRAINT limits_pk PRIMARY KEY (account_id, counter, credit_type)
);

-- Balances at which somebody is told: a percentage of the window's base, or an amount.
CREATE TABLE thresholds (
    account_id bigint  NOT NULL REFERENCES wallets,
    threshold  text    NOT NULL,
    percent    integer CONSTRAINT thresholds_percent CHECK (percent BETWEEN 1 AND 99),
    amount     bigint  CONSTRAINT thresholds_amount CHECK (amount > 0),
    channel    text    NOT NULL
               CONSTRAINT thresholds_channel CHECK (channel IN ('email', 'in_app', 'both')),
    rearms     boolean NOT NULL DEFAULT false,             -- a purchase arms it again in its window
    CONSTRAINT thresholds_pk PRIMARY KEY (account_id, threshold),
    CONSTRAINT thresholds_percent_or_amount CHECK (num_nulls(percent, amount) = 1)
);

-- The journal: one row per (operation, grant), both legs in one. Line 0 carries what was asked.
CREATE TABLE entries (
    account_id      bigint      NOT NULL,
    seq             bigint      NOT NULL,
    grant_id        bigint,                                  -- NULL: a free line
    change          bigint      NOT NULL,
    held_change     bigint      NOT NULL DEFAULT 0,
    balance_after   bigint      NOT NULL,                    -- booked, of the credit type
    held_after      bigint      NOT NULL,
    available_after bigint      NOT NULL,                    -- spendable at `at`
    event_at        timestamptz NOT NULL,
    at              timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    quantity        entry_quantity,                          -- of the action, in millionths
    corrects        bigint,                                  -- seq of the corrected entry
    debt_change     changed_debt,                            -- of what the customer owes in credits
    kind            entry_kind  NOT NULL,
    line            smallint    NOT NULL,
    late            boolean     NOT NULL DEFAULT false,
    credit_type     text        NOT NULL,
    key             entry_key,
    action          text,
    served_as       text,                                    -- another action in its place
    tags            jsonb,
    CONSTRAINT entries_pk PRIMARY KEY (account_id, seq, line),
    CONSTRAINT entries_key UNIQUE (account_id, key)
);

-- One index for both: what corrects a line, and in which types free lines are.
CREATE INDEX entries_corrections ON entries (account_id, corrects, credit_type)
    WHERE corrects IS NOT NULL OR grant_id IS NULL;
-- What changed balances and was no use: rare beside debits, which pay nothing for this index.
CREATE INDEX entries_not_use ON entries (account_id, credit_type, seq)
    WHERE kind NOT IN ('debit', 'hold', 'capture', 'release');
