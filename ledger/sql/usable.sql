-- What can be used, and in which order: said here, and asked by everything that draws or counts.
-- The planner puts these functions into the queries that ask, so that they cost next to nothing:
-- they must stay single SELECTs without SET or SECURITY DEFINER.

-- Whether a purchased credit may be spent: a free plan freezes it.
CREATE OR REPLACE FUNCTION is_purchased(p_source text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_source IN ('pack', 'manual_purchase', 'auto_purchase')
$$;

-- Whether credits are there to be used at an instant, by some action.
CREATE OR REPLACE FUNCTION is_usable(
    p_effective_at timestamptz, p_expires_at timestamptz, p_source text, p_frozen boolean,
    p_at timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_effective_at <= p_at AND p_expires_at > p_at
       AND NOT (p_frozen AND is_purchased(p_source))
$$;

-- The open grants of a credit type in burn order. `unheld`: what nobody has set aside; `is_usable`:
-- at p_at, by some action; `pays`: by p_action (NULL: only what every action may use). An overdraft
-- (`is_debt`) can be drawn on terms but is no credit that anybody has. p_reopens: with what expired
-- or moved on unused since; pass a constant, or the index of open grants is not used.
-- The order holds for whoever reads this alone, as a loop or a numbering does; not through a join.
CREATE OR REPLACE FUNCTION grants_to_burn(
    p_account bigint, p_credit_type text, p_action text, p_frozen boolean, p_at timestamptz,
    p_reopens boolean
) RETURNS TABLE (
    grant_id bigint, remaining bigint, held bigint, unheld bigint, scope text[],
    expires_at timestamptz, is_usable boolean, pays boolean, is_debt boolean
) LANGUAGE sql STABLE AS $$
    SELECT g.grant_id, g.remaining, g.held,
           g.remaining - g.held
               + CASE WHEN p_reopens THEN g.expired + unused_of_rolled(g.account_id, g.grant_id)
                      ELSE 0 END,
           g.scope, g.expires_at,
           is_usable(g.effective_at, g.expires_at, g.source, p_frozen, p_at),
           is_usable(g.effective_at, g.expires_at, g.source, p_frozen, p_at)
               AND (g.scope IS NULL OR p_action = ANY (g.scope)),
           g.source = 'overdraft'
    FROM grants g
    WHERE g.account_id = p_account AND g.credit_type = p_credit_type
      AND (g.is_open OR p_reopens AND (g.expired > 0 OR g.rolled > 0))
    ORDER BY g.priority, g.expires_at, g.tie_1, g.tie_2, g.grant_id
$$;
