"""The HTTP process, configured by the environment.

`uvicorn --http api.heads:TimedHeads --factory api.main:create_app`
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TypedDict

from fastapi import FastAPI
from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from api import account, approvals, billing, errors, health, webhooks
from api.services import Services
from gateways.stripe import StripePayments
from models.base import connect
from settings import Settings, wants_api_docs
from workflows.converter import DATA_CONVERTER


class _State(TypedDict):
    services: Services
    head_seconds: int  # for api/heads.py


def create_app(environment: Mapping[str, str] = os.environ) -> FastAPI:
    """Return the application; it reads `environment` and connects when it is started."""
    app = FastAPI(
        title="Drawdown",
        lifespan=partial(_running, environment),
        openapi_url="/openapi.json" if wants_api_docs(environment) else None,
    )
    for part in (health, webhooks, account, billing, approvals):
        app.include_router(part.router)
    errors.install(app)
    return app


@asynccontextmanager
async def _running(environment: Mapping[str, str], _: FastAPI) -> AsyncIterator[_State]:
    settings = Settings.from_environment(environment)
    engine = connect(settings.database_url)
    try:
        with closing(
            StripePayments(settings.stripe_api_key, base_url=settings.stripe_api_base)
        ) as payments:
            yield {
                "services": Services(
                    engine=engine,
                    temporal=await _temporal(settings),
                    payments=payments,
                    public_url=settings.public_url,
                    webhook_secret=settings.stripe_webhook_secret,
                    link_secret=settings.stripe_webhook_secret,
                ),
                "head_seconds": settings.api_head_seconds,
            }
    finally:
        engine.dispose()


async def _temporal(settings: Settings) -> Client:
    """Return a client that connects when it is first used: Temporal may be away when we start."""
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = settings.temporal_address
    config["namespace"] = settings.temporal_namespace
    return await Client.connect(**config, data_converter=DATA_CONVERTER, lazy=True)
