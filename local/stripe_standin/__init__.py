"""A stand-in for Stripe: enough of its documented behaviour to test and demonstrate billing.

It is not Stripe and never reaches it. Each behaviour names the page of Stripe's documentation it
follows; what is not documented, or not needed, answers an error that says so. Requests and answers
are checked against Stripe's published description (`local.stripe_spec`).
"""
