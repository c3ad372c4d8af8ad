"""The list: what is not here does not exist. Paths are tried in turn: the hot ones come first.

The reads are the last: a customer's own path takes every other one below it, for ids may contain
slashes.
"""

from api.v1.endpoint import Theme
from api.v1.endpoints.acts.accounts import ACCOUNTS
from api.v1.endpoints.acts.invitations import INVITATIONS
from api.v1.endpoints.acts.moving import MOVING
from api.v1.endpoints.acts.operators import OPERATORS
from api.v1.endpoints.acts.portal import PORTAL
from api.v1.endpoints.acts.prompts import PROMPTS
from api.v1.endpoints.acts.purchases import PURCHASES
from api.v1.endpoints.acts.subscriptions import SUBSCRIPTIONS
from api.v1.endpoints.acts.teams import TEAMS
from api.v1.endpoints.checks import CHECKS
from api.v1.endpoints.documents import Documents
from api.v1.endpoints.holds import HOLDS
from api.v1.endpoints.keys import KEYS
from api.v1.endpoints.usage import USAGE
from api.v1.endpoints.webhook_deliveries import DELIVERIES
from api.v1.endpoints.webhooks import WEBHOOKS
from api.v1.reads.every import READS

DOCUMENTS = Documents(
    (
        Theme("usage", "Usage, checks and holds", (*USAGE, *CHECKS, *HOLDS)),
        Theme("subscriptions", "Life of a subscription", SUBSCRIPTIONS),
        Theme("purchases", "Purchases, payment and alerts", (*PURCHASES, *ACCOUNTS, *MOVING)),
        Theme("links", "Links, prompts and invitations", (*PORTAL, *PROMPTS, *INVITATIONS)),
        Theme("teams", "Teams and approvals", TEAMS),
        Theme("operators", "Operators", OPERATORS),
        Theme("webhooks", "Webhooks", (*WEBHOOKS, *DELIVERIES)),
        Theme("keys", "API keys", KEYS),
        Theme("reads", "Reads", READS),
    )
)
ENDPOINTS = DOCUMENTS.endpoints
