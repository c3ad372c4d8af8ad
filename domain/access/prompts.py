"""A question to a person in a link: may this be paid so? It is good for minutes and one window."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from domain.access.sealed import Seal, seal, unseal

LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked: an action of a customer. `window_start` is the window that a yes is for.

    `return_url` "": there is no way back to lead to.
    """

    account_id: int
    customer_id: str
    action: str
    quantity_micro: int
    tags: tuple[tuple[str, str], ...]
    window_start: datetime
    expires_at: datetime
    return_url: str = ""


def sealed_prompt(secrets: tuple[str, ...], prompt: Prompt) -> str:
    """Return the prompt as a token for a link."""
    kept = asdict(prompt) | {
        "window_start": prompt.window_start.isoformat(),
        "expires_at": prompt.expires_at.isoformat(),
    }
    return seal(secrets, Seal.PROMPT, json.dumps(kept))


def opened_prompt(secrets: tuple[str, ...], token: str, at: datetime) -> Prompt | None:
    """Return the prompt of a token; None: it is not ours, was changed, or has expired."""
    content = unseal(secrets, Seal.PROMPT, token)
    if content is None:
        return None
    kept = json.loads(content)
    prompt = Prompt(
        **kept
        | {
            "tags": tuple((name, value) for name, value in kept["tags"]),
            "window_start": datetime.fromisoformat(kept["window_start"]),
            "expires_at": datetime.fromisoformat(kept["expires_at"]),
        }
    )
    return None if at >= prompt.expires_at else prompt
