-- Credits granted before their money has come: a book for the claim that stands for it, and when
-- the grants of a charge were given so, and taken back because it failed. No charge has either yet.
ALTER TYPE book ADD VALUE IF NOT EXISTS 'receivable';
ALTER TABLE charges
    ADD COLUMN granted_at timestamptz,
    ADD COLUMN taken_back_at timestamptz;
ALTER TABLE charges
    ADD CONSTRAINT charges_taken_back CHECK (taken_back_at IS NULL OR granted_at IS NOT NULL),
    ADD CONSTRAINT charges_granted_import CHECK (kind <> 'import' OR granted_at IS NULL);
-- How such claims moved in a month that is closed: deferred revenue moves with them.
ALTER TABLE closed_figures
    ADD COLUMN receivable numeric(38) NOT NULL DEFAULT 0,
    DROP CONSTRAINT closed_figures_add_up;
ALTER TABLE closed_figures
    ADD CONSTRAINT closed_figures_add_up
        CHECK (opening + cash + imported + receivable - revenue - breakage - refunds - disputes
               = closing);
