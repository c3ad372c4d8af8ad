"""Stripe's own client, as others use it past our gateway."""

import stripe


def plain_client(api_key: str, base_url: str | None) -> stripe.V1Services:
    """Return a processor client that waits for an answer without limit."""
    client = stripe.StripeClient(
        api_key,
        base_addresses={"api": base_url} if base_url else {},
        http_client=stripe.RequestsClient(timeout=None),
    )
    return client.v1
