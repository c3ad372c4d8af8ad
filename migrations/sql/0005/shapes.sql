-- What a coupon took off a charge: `amount_minor` is what is left of the price, so that what grants
-- cost, what is earned and what can go back are of what was paid. All of it may be taken off.
ALTER TABLE charges
    ADD COLUMN coupon text,                               -- "list:CODE"
    ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0,  -- taken off beside amount_minor
    DROP CONSTRAINT charges_amount;
ALTER TABLE charges
    ADD CONSTRAINT charges_amount
        CHECK (amount_minor > 0 OR amount_minor = 0 AND discount_minor > 0),
    ADD CONSTRAINT charges_discount
        CHECK (discount_minor >= 0 AND (coupon IS NULL) = (discount_minor = 0));
-- How often a coupon was redeemed by all customers together. No charge has one yet.
CREATE INDEX charges_by_coupon ON charges (coupon) WHERE coupon IS NOT NULL;
-- What a price list published of them.
ALTER TABLE published
    DROP CONSTRAINT published_item,
    ADD CONSTRAINT published_item CHECK (item ~ '^(plan|rate|action|bonus|coupon|list) ');
-- The coupon that a subscription was started with, and what it promised then.
ALTER TABLE subscriptions
    ADD COLUMN coupon text,                               -- "list:CODE"
    ADD COLUMN coupon_terms jsonb;
ALTER TABLE subscriptions
    ADD CONSTRAINT subscriptions_coupon CHECK ((coupon IS NULL) = (coupon_terms IS NULL));
CREATE INDEX subscriptions_by_coupon ON subscriptions (coupon) WHERE coupon IS NOT NULL;
