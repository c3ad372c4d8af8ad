"""What a browser does at the page of sign-in where a provider says who people are."""

from itertools import count

from api.pages.operator import sessions
from tests.screenless import screenless

SIGN_IN = "/operator/sign_in"
CALLBACK = f"{SIGN_IN}/callback"
NO_COOKIE = "begun more than ten minutes ago"
_numbers = count(1)


def another():
    """Return a number that no other person here has."""
    return next(_numbers)


async def begun(web):
    """Begin; return the provider's address."""
    answer = await web.get(f"{SIGN_IN}/begin")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def answered(web):
    """Begin, and return the address that the provider sends the browser back to."""
    async with screenless() as elsewhere:
        return (await elsewhere.get(await begun(web))).headers["location"]


async def signed_in(web):
    return await web.get(await answered(web))


async def is_in(web):
    return (await web.get("/operator/customers")).status_code == 200


async def nobody_is_in(web, answer, told, status=403):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert told in answer.text
    assert f'href="{SIGN_IN}"' in answer.text
    assert sessions.COOKIE.name not in web.cookies
    assert not await is_in(web)
