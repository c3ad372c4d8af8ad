"""Whether this process is up and, with `deep`, whether it reaches what it needs."""

import asyncio
import logging
from collections.abc import Awaitable

from fastapi import APIRouter, Response
from sqlalchemy import Engine, text
from temporalio.client import Client

from api.services import Shared

log = logging.getLogger(__name__)

PATIENCE = 3  # seconds: less than a health check waits

router = APIRouter()


@router.get("/health")
async def health(services: Shared, response: Response, *, deep: bool = False) -> dict[str, str]:
    """Answer 200, or 503 if `deep` finds the database or Temporal unreachable."""
    if not deep:
        return {"status": "ok"}
    database, temporal = await asyncio.gather(
        _state("database", asyncio.to_thread(_ask_database, services.engine)),
        _state("Temporal", _ask_temporal(services.temporal)),
    )
    well = database == temporal == "ok"
    response.status_code = 200 if well else 503
    status = "ok" if well else "unavailable"
    return {"status": status, "database": database, "temporal": temporal}


async def _state(part: str, question: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await question
    except Exception as error:  # noqa: BLE001 - whatever it is, the part does not serve
        log.warning("%s is unavailable: %s", part, error)
        return "unavailable"
    return "ok"


def _ask_database(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT"))


async def _ask_temporal(client: Client) -> None:
    if not await client.service_client.check_health():
        raise ConnectionError("the frontend does not serve")
