-- A book for the tax that was charged and not given back, and what the processor said of a charge:
-- its net amount stays `amount_minor`, so that what grants cost is without tax.
-- What the processor said of a charge, as an argument.
CREATE DOMAIN a_tax AS jsonb NOT NULL CONSTRAINT a_tax_behavior
    CHECK (coalesce(value ->> 'behavior', '') IN ('exclusive', 'inclusive'));
ALTER TYPE book ADD VALUE IF NOT EXISTS 'tax';
ALTER TABLE charges
    ADD COLUMN tax_minor bigint NOT NULL DEFAULT 0,  -- charged beside amount_minor
    ADD COLUMN tax jsonb;                            -- its behavior and lines; NULL: not taxed
ALTER TABLE charges
    ADD CONSTRAINT charges_tax CHECK (tax_minor >= 0 AND (tax_minor = 0 OR tax IS NOT NULL)),
    ADD CONSTRAINT charges_tax_of_import CHECK (kind <> 'import' OR tax IS NULL);
