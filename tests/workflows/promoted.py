"""Promotion codes at the processor, as a seller's people make them in its dashboard."""

from itertools import count
from typing import Any

import stripe

from local.stripe_standin.process import StandIn
from tests.processor import plain_client

_numbers = count(1)


class Dashboard:
    """What a seller's marketing people see and do."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self.stripe: stripe.V1Services = plain_client(standin.api_key, standin.base_url)

    def code(self, spelt: str = "SPRING", *, coupon: dict[str, Any], **terms: Any) -> str:
        """Make a coupon and a code for it; return the code, which no other test has."""
        return str(self.made(spelt, coupon=coupon, **terms).code)

    def made(
        self, spelt: str = "SPRING", *, coupon: dict[str, Any], **terms: Any
    ) -> stripe.PromotionCode:
        """Make a coupon and a code for it; return the latter as it is kept there."""
        name = self.stripe.coupons.create(coupon).id  # type: ignore[arg-type]
        return self.another(f"{spelt}-{next(_numbers)}", name, **terms)

    def another(self, spelt: str, coupon: str, **terms: Any) -> stripe.PromotionCode:
        """Make one more code for a coupon."""
        wanted: Any = {"code": spelt, "promotion": {"type": "coupon", "coupon": coupon}, **terms}
        return self.stripe.promotion_codes.create(wanted)

    def switch_off(self, code: str) -> None:
        """Switch the code of a spelling off."""
        for one in self.stripe.promotion_codes.list({"code": code, "active": True}).data:
            self.stripe.promotion_codes.update(one.id, {"active": False})

    def redeemed_elsewhere(self, promotion: str, times: int = 1) -> None:
        """Have somebody redeem a code on a page of the processor's own."""
        self._standin.post("/_redeem", promotion_code=promotion, times=times)
