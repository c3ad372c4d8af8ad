-- What functions answer, beyond the tables' own rows.

CREATE TYPE purchase_outcome AS (
    status text, charge_id text, quantity bigint, amount_minor bigint, surcharge_minor bigint,
    currency text, available bigint);

CREATE TYPE correction_outcome AS (
    status    text,      -- corrected | repeated | a reason
    seq       bigint,
    available bigint,    -- of the event's first credit type
    given     jsonb,     -- {credit type: micro-credits} that were given back,
    closed    jsonb      -- and what of them went to windows that are over
);

CREATE TYPE debit_row AS (
    ord integer, status text, seq bigint, available bigint, missing bigint, crossed boolean,
    detail jsonb);

CREATE TYPE wallet_balance AS (booked bigint, held bigint, available bigint);

CREATE TYPE grant_outcome AS (status text, grant_id bigint, available bigint);

CREATE TYPE hold_end AS (
    kind        entry_kind[],  -- the lines of its entry, in order
    credit_type text[],
    grant_id    bigint[],      -- NULL where nothing is taken and nothing goes back
    take        bigint[],
    back        bigint[],      -- held no more
    took        jsonb          -- {credit type: micro-credits}
);

CREATE TYPE refund_outcome AS (
    status text, amount_minor bigint, most_minor bigint, currency text, invoice text,
    refund_state text);

CREATE TYPE debit_outcome AS (
    status    text,      -- debited | repeated | a reason of domain/reasons.py
    seq       bigint,
    available bigint,    -- spendable after it
    missing   bigint,    -- what it would have needed more
    crossed   boolean,   -- it left exactly zero
    detail    jsonb      -- of debits on terms and of repeats: {charged, served_as, asked}
);

-- One way of paying, as jsonb says it: `credits` of a type per `per` of the action's quantity.
CREATE TYPE way AS (
    credit_type text, credits numeric, per numeric, started boolean, carry text, consent text);

-- What an event comes to by one way, and what the counters that move with it come to.
CREATE TYPE way_use AS (
    cost bigint, counter text[], value bigint[], starts timestamptz[]);

-- A batch on terms whose costs are known: type and cost of each event, and its wallets' counters.
CREATE TYPE sized_batch AS (
    credit_type text[], amount bigint[],
    account_id bigint[], counter text[], value bigint[], starts timestamptz[]);

CREATE TYPE debit_plan AS (
    status      text,      -- fits | already_unlocked | a reason
    action      text,      -- what is served, or was short last
    attempt     integer,
    credit_type text[],    -- the draws, in order: type, grant, micro-credits
    grant_id    bigint[],
    take        bigint[],
    charged     jsonb,     -- {credit type: micro-credits}, what it costs also when short
    counter     text[],    -- what moves with it, by how much, and of which window
    move        bigint[],
    starts      timestamptz[],
    last_type   text,      -- nothing pays when this one is used up
    missing     bigint,
    available   bigint,    -- of the type that is short
    asked       jsonb      -- what must be confirmed: credits by type, or a purchase
);

CREATE TYPE capture_cost AS (
    costs  jsonb,       -- {credit type: micro-credits} of the whole quantity
    agreed jsonb,       -- as much of it as may be drawn
    plan   debit_plan   -- the counters that move with it
);
