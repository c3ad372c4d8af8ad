"""What a customer's own page shows, read as a browser reads it."""

import html
import re
from uuid import uuid4

import httpx

from local.demo.scene import Scene

FIGURE = re.compile(r'<p class="figure">(\S+) ')


def shown(scene: Scene, customer_id: str) -> list[str]:
    """Return the figures on the first page of a customer's console, one for each credit type."""
    state = scene.stack.state()
    headers = {"Authorization": f"Bearer {state.api_key}", "Idempotency-Key": uuid4().hex}
    with httpx.Client(timeout=None, follow_redirects=True) as browser:
        path = f"{state.api}/v1/customers/{customer_id}/portal_session"
        made = browser.post(path, json={"page": "credits"}, headers=headers)
        page = browser.get(made.json()["url"])
    return [html.unescape(figure) for figure in FIGURE.findall(page.text)]
