"""The examples of docs/http.md, sent in order as they stand there."""

import re
import shlex
from pathlib import Path

from tests.workflows.http.test_starting import begun

PAGE = Path(__file__).parents[3] / "docs" / "http.md"
LINE = re.compile(r"^curl .*$", re.MULTILINE)


def requests(page=PAGE):
    """Yield method, path, headers and body of every request that a page shows."""
    for line in LINE.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
        words = shlex.split(line)
        named = [(word, words[i + 1]) for i, word in enumerate(words[:-1])]
        headers = dict(value.split(": ", 1) for word, value in named if word == "-H")
        body = next((value for word, value in named if word == "-d"), None)
        method = next((value for word, value in named if word == "-X"), "POST" if body else "GET")
        path = next(word for word in words if word.startswith("$DRAWDOWN")).removeprefix(
            "$DRAWDOWN"
        )
        assert headers.pop("Authorization") == "Bearer $KEY"
        yield method, path, headers, body


async def test_every_request_of_the_page_works(fleet, door):
    sent = 0
    for method, path, headers, body in requests():
        answer = await door.request(method, path, headers=headers, content=body)
        assert answer.status_code in (200, 201, 202), (path, answer.text)
        if path == "/subscriptions":
            await begun(door, {"subscription_id": "hooli"})
        sent += 1
    assert sent >= 5
