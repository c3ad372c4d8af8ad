"""An API that signs operators in by a provider, and somebody whom it knows."""

import pytest

from tests.api.arrangements import api
from tests.identity_provider import CLIENT, SECRET, providing
from tests.pages.openid.signing_in import another
from tests.screenless import screenless

ROLES = "support=helpers,finance=books%2C eu,admin=owners,admin=root"


@pytest.fixture(scope="module")
def provider():
    with providing() as found:
        yield found


@pytest.fixture(autouse=True)
def _behaving(provider):
    yield
    provider.behave()


@pytest.fixture(scope="module")
def settings_of(provider):
    return {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_ROLES": ROLES,
    }


@pytest.fixture(scope="module")
def openid_url(door_variables, settings_of, servers_folder):
    with api(door_variables | settings_of, servers_folder) as url:
        yield url


@pytest.fixture
async def web(openid_url):
    async with screenless(base_url=openid_url) as client:
        yield client


@pytest.fixture
def ann(provider):
    """Somebody new whom the provider would sign in now, of support."""
    number = another()
    provider.person = {
        "sub": f"subject-{number}",
        "email": f"OpenID-{number}@Seller.example",
        "name": "Ann",
        "groups": ["staff", "helpers"],
    }
    return provider.person
