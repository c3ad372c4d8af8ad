"""The environment is read once, refused as a whole, and its secrets are never shown."""

import pytest

from settings import NAMES, InvalidSettings, Settings

COMPLETE = {
    "DATABASE_URL": "postgresql://app:hidden@db:5432/drawdown",
    "TEMPORAL_ADDRESS": "temporal:7233",
    "STRIPE_API_KEY": "sk_test_hidden",
    "STRIPE_WEBHOOK_SECRET": "whsec_hidden",
    "LINK_SECRETS": "hidden and of thirty-two characters, hidden and of as many as the other",
    "SMTP_URL": "smtp://user:hidden@mail:587",
    "MAIL_FROM": "Billing <billing@drawdown.example>",
    "PUBLIC_URL": "https://billing.example/",
}


def test_defaults_fill_what_a_deployment_need_not_say():
    settings = Settings.from_environment(COMPLETE)
    assert settings.temporal_namespace == "default"
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.stripe_calls_per_second == 20
    assert settings.drawdown_catalogs.is_dir()
    assert settings.metrics_address is None
    assert settings.public_url == "https://billing.example"


def test_all_that_is_missing_is_told_at_once():
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_environment({})
    told = [fault.split()[0] for fault in raised.value.faults]
    assert told == list(COMPLETE)
    assert raised.value.reason == "invalid_settings"


def test_an_empty_variable_is_a_missing_one():
    with pytest.raises(InvalidSettings, match="MAIL_FROM is missing"):
        Settings.from_environment(COMPLETE | {"MAIL_FROM": " "})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://app:hidden@db/drawdown"),
        ("DATABASE_URL", "postgresql://app:hidden@db"),
        ("TEMPORAL_ADDRESS", "temporal"),
        ("TEMPORAL_ADDRESS", "temporal:port"),
        ("STRIPE_API_KEY", "pk_test_hidden"),
        ("STRIPE_API_BASE", "api.stripe.com"),
        ("STRIPE_CALLS_PER_SECOND", "0"),
        ("STRIPE_CALLS_PER_SECOND", "many"),
        ("STRIPE_WEBHOOK_SECRET", "hidden"),
        ("LINK_SECRETS", "hidden"),
        ("LINK_SECRETS", f"hidden{'x' * 32},"),
        ("LINK_SECRETS", f"hidden{'x' * 32},hidden{'x' * 32}"),
        ("LINK_SECRETS", ",".join(f"hidden{letter * 32}" for letter in "abc")),
        ("LINK_DAYS", "0"),
        ("SMTP_URL", "user:hidden@mail:25"),
        ("MAIL_FROM", "nobody"),
        ("PUBLIC_URL", "billing.example"),
        ("DRAWDOWN_CATALOGS", "/no/such/folder"),
        ("TEMPORAL_UI_URL", "127.0.0.1:8080"),
        ("METRICS_ADDRESS", "9464"),
        ("LOG_FORMAT", "xml"),
        ("RENEWAL_SPREAD_SECONDS", "-1"),
        ("WEBHOOK_PRIVATE_ADDRESSES", "yes"),
        ("INVITATIONS", "zaplify=https://app.example.com"),
        ("INVITATIONS", "zaplify/referral=javascript:alert(1)"),
        ("EMBED_ORIGINS", "app.example.com"),
        ("EMBED_ORIGINS", "https://app.example.com/page"),
        ("EMBED_ORIGINS", "https://app.example.com; script-src *"),
        ("OIDC_SCOPES", "email"),
        ("OIDC_BREAK_GLASS", "yes"),
        ("API_DOCS", "yes"),
        ("API_HEAD_SECONDS", "0"),
        ("API_HEAD_SECONDS", "ten"),
        ("API_REQUESTS_PER_SECOND", "-1"),
        ("API_MOST_REQUESTS", "0"),
        ("API_MOST_STREAMS", "0"),
        ("PAYLOAD_KEYS", "hidden"),
    ],
)
def test_what_is_wrong_is_named_without_quoting_it(name, text):
    with pytest.raises(InvalidSettings) as raised:
        Settings.from_environment(COMPLETE | {name: text})
    assert len(raised.value.faults) == 1
    assert raised.value.faults[0].startswith(name)
    assert "hidden" not in str(raised.value)


PROVIDER = {
    "OIDC_ISSUER": "https://id.seller.example/",
    "OIDC_CLIENT_ID": "drawdown",
    "OIDC_CLIENT_SECRET": "hidden",
    "OIDC_ROLES": "support=helpers, admin=root, admin=cn=owners%2Cdc=seller",
}


def test_an_identity_provider_is_taken_as_it_is_written():
    settings = Settings.from_environment(COMPLETE | PROVIDER)
    assert settings.oidc_issuer == "https://id.seller.example/"
    assert settings.oidc_roles == (
        ("support", "helpers"),
        ("admin", "root"),
        ("admin", "cn=owners,dc=seller"),
    )
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("name", PROVIDER)
def test_half_an_identity_provider_is_none(name):
    with pytest.raises(InvalidSettings, match=f"{name} is missing"):
        Settings.from_environment(COMPLETE | PROVIDER | {name: ""})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OIDC_ISSUER", "http://id.seller.example"),
        ("OIDC_ISSUER", "id.seller.example"),
        ("OIDC_ISSUER", "https://id.seller.example?tenant=1"),
        ("OIDC_ROLES", "support"),
        ("OIDC_ROLES", "owner=root"),
        ("OIDC_ROLES", "admin="),
    ],
)
def test_an_identity_provider_that_cannot_be_trusted_is_refused(name, text):
    with pytest.raises(InvalidSettings, match=f"^{name} is not") as raised:
        Settings.from_environment(COMPLETE | PROVIDER | {name: text})
    assert "hidden" not in str(raised.value)


def test_no_secret_is_shown():
    assert "hidden" not in repr(Settings.from_environment(COMPLETE))


def test_the_names_are_the_contract():
    assert set(COMPLETE) < set(NAMES)
    assert set(NAMES) - set(COMPLETE) == {
        "TEMPORAL_NAMESPACE",
        "TEMPORAL_UI_URL",
        "LINK_DAYS",
        "STRIPE_API_BASE",
        "STRIPE_CALLS_PER_SECOND",
        "DRAWDOWN_CATALOGS",
        "METRICS_ADDRESS",
        "LOG_FORMAT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "RENEWAL_SPREAD_SECONDS",
        "WEBHOOK_PRIVATE_ADDRESSES",
        "INVITATIONS",
        "EMBED_ORIGINS",
        "OIDC_ISSUER",
        "OIDC_CLIENT_ID",
        "OIDC_CLIENT_SECRET",
        "OIDC_SCOPES",
        "OIDC_ROLE_CLAIM",
        "OIDC_ROLES",
        "OIDC_BREAK_GLASS",
        "API_DOCS",
        "API_HEAD_SECONDS",
        "API_REQUESTS_PER_SECOND",
        "API_MOST_REQUESTS",
        "API_MOST_STREAMS",
        "PAYLOAD_KEYS",
    }
