"""The environment of a deployment whose servers, but for the database, are away."""

LINK_SECRET = "tests sign the links in mails with this"


def environment(database_url: str, **others: str) -> dict[str, str]:
    """Return every variable that must be set; `others` name servers that are there."""
    return {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "STRIPE_API_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
        "LINK_SECRETS": LINK_SECRET,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "billing@drawdown.test",
        "PUBLIC_URL": "http://127.0.0.1:1",
    } | others
