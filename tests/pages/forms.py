"""What a browser does with our pages, without a screen."""

import html
import re

import httpx

FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def forms_of(page: httpx.Response, action: str) -> list[dict[str, str]]:
    """Return the hidden fields of each form that is sent to an address."""
    return [
        {name: html.unescape(value) for name, value in FIELD.findall(inside)}
        for to, inside in FORM.findall(page.text)
        if to == action
    ]


async def sent(
    web: httpx.AsyncClient, page: str, action: str, at: int = 0, **typed: str
) -> httpx.Response:
    """Open a page and send one of its forms, with what was typed into it or edited."""
    fields = forms_of(await web.get(page), action)[at]
    return await web.post(action, data={**fields, **typed})
