"""Stripe's own client, as others use it past our gateway."""

import stripe


def plain_client(api_key: str, base_url: str | None) -> stripe.V1Services:
    """Return a client of a processor that waits for its answer as long as it takes."""
    client = stripe.StripeClient(
        api_key,
        base_addresses={"api": base_url} if base_url else {},
        http_client=stripe.RequestsClient(timeout=None),
    )
    return client.v1
