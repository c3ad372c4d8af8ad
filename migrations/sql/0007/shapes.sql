-- How often a promotion code of the processor was redeemed here, by the id of its coupon there.
CREATE INDEX charges_by_promotion ON charges (split_part(coupon, ':', 3)) WHERE coupon IS NOT NULL;
CREATE INDEX subscriptions_by_promotion ON subscriptions (split_part(coupon, ':', 3))
    WHERE coupon IS NOT NULL;
