"""One request to the operators' console: who asks, and the door that answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from api.pages.asking import NONE, Asker, Json
from api.pages.operator.sessions import Session
from api.services import Services
from api.v1.call import Reply
from domain.access.operators import SCOPES, Operator, OperatorRole
from domain.api_keys import ApiKey
from domain.errors import BillingError
from gateways.letter_formats import Formats


@dataclass(frozen=True, slots=True)
class Visit:
    """A request with its session; `form` is what was sent, and `query` what was asked."""

    services: Services
    session: Session
    operator: Operator
    at: datetime
    request_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0  # proposals that wait for a second person
    refused: BillingError | None = None  # why the form that was sent did nothing

    @property
    def is_admin(self) -> bool:
        """Whether the operator may make accounts, keys and endpoints."""
        return self.operator.role is OperatorRole.ADMIN

    @property
    def show(self) -> Formats:
        """The formats of operators: everywhere the same, in UTC."""
        return Formats.of("en_US", "UTC")

    @property
    def asker(self) -> Asker:
        """The endpoints of the door, for what the role may do; of every price list."""
        key = ApiKey("operator", SCOPES[self.operator.role], None)
        return Asker(self.services, key, self.request_id)

    async def ask(
        self,
        wanted: str,
        *,
        query: Mapping[str, str] = NONE,
        body: Json | None = None,
        key: str = "",
        **path: str,
    ) -> Json:
        """Ask an endpoint, such as `GET /customers/{id}/balance`. Raises `BillingError`."""
        return await self.asker.ask(wanted, path, query=query, body=body, key=key)

    async def file(
        self, wanted: str, *, accept: str, query: Mapping[str, str] = NONE, **path: str
    ) -> Reply:
        """Return an endpoint's reply as a file, such as CSV. Raises `BillingError`."""
        return await self.asker.reply(wanted, path, query=query, accept=accept)

    def new_key(self) -> str:
        """Return a key for a form: sent twice, its act is done once."""
        return uuid4().hex
