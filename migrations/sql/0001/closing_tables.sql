-- Months that finance has closed: by whom, when, and with which figures of each currency. The books
-- stay open: what is booked into such a month later shows as a difference from what was closed.
CREATE TABLE closed_months (
    month         date        NOT NULL CONSTRAINT closed_months_month   -- its first day, in UTC
                              CHECK (extract(day FROM month) = 1),
    closed_by     text        NOT NULL CONSTRAINT closed_months_closed_by
                              CHECK (length(closed_by) BETWEEN 1 AND 200),
    closed_at     timestamptz NOT NULL,
    compared      boolean,           -- whether the nightly comparison ran; NULL: nobody could say
    settled       bigint      NOT NULL CONSTRAINT closed_months_settled CHECK (settled >= 0),
    open_findings text[]      NOT NULL,
    reason        text        CONSTRAINT closed_months_reason
                              CHECK (length(reason) BETWEEN 1 AND 200),
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT closed_months_pk PRIMARY KEY (month),
    CONSTRAINT closed_months_over
        CHECK (closed_at >= (month + interval '1 month') AT TIME ZONE 'UTC'),
    CONSTRAINT closed_months_explained CHECK (cardinality(open_findings) = 0 OR reason IS NOT NULL)
);

-- Minor units; sums of all customers may be larger than a BIGINT. Each term is one of the report
-- `movement`; `liability` is what the grants that are still to be used have cost.
CREATE TABLE closed_figures (
    month             date        NOT NULL CONSTRAINT closed_figures_of REFERENCES closed_months,
    currency          text        NOT NULL CONSTRAINT closed_figures_currency
                                  CHECK (currency ~ '^[A-Z]{3}$'),
    opening           numeric(38) NOT NULL,
    cash              numeric(38) NOT NULL,
    imported          numeric(38) NOT NULL,                  -- paid elsewhere
    revenue           numeric(38) NOT NULL,
    breakage          numeric(38) NOT NULL,
    refunds           numeric(38) NOT NULL,
    disputes          numeric(38) NOT NULL,
    closing           numeric(38) NOT NULL,
    earned_not_posted numeric(38) NOT NULL,
    broken_not_posted numeric(38) NOT NULL,
    liability         numeric(38) NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT closed_figures_pk PRIMARY KEY (month, currency),
    CONSTRAINT closed_figures_add_up
        CHECK (opening + cash + imported - revenue - breakage - refunds - disputes = closing),
    CONSTRAINT closed_figures_covered CHECK (liability = closing)
);
