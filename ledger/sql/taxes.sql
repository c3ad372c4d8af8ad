-- Taxes: what the processor computed on top of a charge's net amount, or inside its price, kept
-- with the charge before any money moves.

-- A price as it was asked for: with the tax that is a part of it, without the tax that is added.
CREATE OR REPLACE FUNCTION price_of(c charges) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT c.amount_minor
           + CASE WHEN c.tax ->> 'behavior' = 'inclusive' THEN c.tax_minor ELSE 0 END
$$;

-- The tax in an amount of a charge's money, half up and never more than there is: a function of
-- all that went back so far, so that the parts of a charge that went back whole sum to its tax.
CREATE OR REPLACE FUNCTION tax_in(c charges, p_minor bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(least(c.tax_minor, div(2 * p_minor::numeric * c.tax_minor + t.both,
                                           2 * nullif(t.both, 0))), 0)::bigint
    FROM (SELECT c.amount_minor + c.tax_minor AS both) t
$$;

-- The most of a charge's money that has no more than so much net in it.
CREATE OR REPLACE FUNCTION with_tax(c charges, p_net bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT capped(p_net + coalesce(div(2 * p_net::numeric * c.tax_minor + c.amount_minor,
                                       2 * nullif(c.amount_minor, 0)), 0))
$$;

-- What went back of a charge without tax: by refunds, and by disputes beyond them; of one that is
-- not paid, what was granted and failed.
CREATE OR REPLACE FUNCTION net_refunds_of(c charges) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.state = 'paid' THEN r.made - tax_in(c, r.made) ELSE 0 END
    FROM (SELECT refunds_of(c) AS made) r
$$;

CREATE OR REPLACE FUNCTION net_disputes_of(c charges) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.state = 'paid' THEN r.gone - tax_in(c, r.gone) - net_refunds_of(c)
                ELSE failed_of(c) END
    FROM (SELECT refunds_of(c) + disputes_of(c) AS gone) r
$$;

-- Keep what the processor computed for a charge that is not paid: taxed | unknown_charge |
-- wrong_amount (nothing would be left of its price, or something else than its grants cost
-- already) | the state it is in. A new invoice may say something else; the price stays.
CREATE OR REPLACE FUNCTION tax_charge(
    p_account an_account, p_charge a_name, p_tax_minor some_money, p_tax a_tax, p_at an_instant
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c     charges;
    price bigint;
    gross bigint;  -- the surcharge within that price
    net   bigint;
BEGIN
    PERFORM lock_wallet(p_account, p_at);
    SELECT * INTO c FROM charges WHERE account_id = p_account AND charge_id = p_charge;
    IF NOT FOUND THEN RETURN 'unknown_charge'; END IF;
    IF c.state NOT IN ('open', 'processing') THEN RETURN c.state; END IF;
    price := price_of(c);
    gross := coalesce((c.tax ->> 'surcharge_minor')::bigint, c.surcharge_minor);
    net := price - CASE WHEN p_tax ->> 'behavior' = 'inclusive' THEN p_tax_minor ELSE 0 END;
    IF net <= 0 OR c.granted_at IS NOT NULL AND net <> c.amount_minor THEN
        RETURN 'wrong_amount';
    END IF;
    UPDATE charges SET amount_minor = net, surcharge_minor = price_minor(gross, net, price),
                       tax_minor = p_tax_minor,
                       tax = p_tax || jsonb_build_object('surcharge_minor', gross)
    WHERE account_id = p_account AND charge_id = p_charge;
    RETURN 'taxed';
END $$;
