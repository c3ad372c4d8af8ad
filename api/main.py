"""The HTTP process, configured by the environment.

`uvicorn --http api.heads:TimedHeads --no-access-log --factory api.main:create_app`
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from typing import TypedDict

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from activities.context import BillingContext
from activities.direct.running import direct_usage
from api import access_log, account, approvals, billing, errors, health, webhooks
from api.keyring import KeyRing
from api.limits import limits
from api.pages import assets, mailed, nowhere
from api.pages.customer import pages as customer_pages
from api.pages.operator import pages as operator_pages
from api.pages.operator.serving import CALLBACK
from api.services import Identities, Services
from api.v1.app import create_door
from api.v1.hot.straight import Straight
from api.v1.metrics import DoorMetrics, keep_sampling
from api.watching.balances import Balances
from api.watching.ending import told_of_the_end
from api.watching.files import allow_files
from catalogs.reader import PriceList, load_lists
from domain.access.identities import RoleRules
from gateways.identity.provider import Application, Provider
from gateways.stripe import StripePayments
from gateways.telemetry import logs, metrics, tracing
from ledger.direct.telling import Teller
from ledger.direct.wakeups import Wakeups
from models.base import connect
from settings import Settings, wants_api_docs
from workflows.converter import DATA_CONVERTER
from workflows.requests import of_clients

PREFIX = "/v1/"


class _State(TypedDict):
    services: Services
    head_seconds: int  # for api/heads.py, and who takes requests there
    straight: Straight


class Doors:
    """The door under `/v1` and, for every other path, pages and webhooks.

    The door is asked first and alone: the framework's layers would cost as much as a debit.
    """

    def __init__(self, pages: FastAPI, door: ASGIApp) -> None:
        self.pages = pages
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to who answers it."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._door(scope, receive, send)
        else:
            await self.pages(scope, receive, send)


def create_app(environment: Mapping[str, str] = os.environ) -> Doors:
    """Return the application; it reads `environment` and connects when it is started."""
    app = FastAPI(
        title="Drawdown",
        lifespan=partial(_running, environment),
        openapi_url="/openapi.json" if wants_api_docs(environment) else None,
    )
    for part in (health, webhooks, account, billing, approvals):
        app.include_router(part.router)
    app.router.routes.extend(
        [*assets.ROUTES, *mailed.ROUTES, *customer_pages.ROUTES, *operator_pages.ROUTES]
    )
    access_log.install()
    errors.install(app)
    nowhere.install(app)
    return Doors(app, create_door())


@asynccontextmanager
async def _running(environment: Mapping[str, str], _: FastAPI) -> AsyncIterator[_State]:
    settings = Settings.from_environment(environment)
    logs.configure(settings.log_format)
    allow_files(settings.api_most_streams, settings.api_most_requests)
    engine = connect(settings.database_url)
    try:
        async with AsyncExitStack() as running:
            tracing.start(settings.otel_exporter_otlp_endpoint, "drawdown-api")
            running.callback(tracing.stop)
            payments = running.enter_context(
                closing(StripePayments(settings.stripe_api_key, base_url=settings.stripe_api_base))
            )
            lists = load_lists(settings.drawdown_catalogs)
            context = _context(settings, engine, lists)
            url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
            wakeups = await running.enter_async_context(Wakeups(url))
            balances = await running.enter_async_context(Balances(engine, wakeups))
            running.enter_context(told_of_the_end(balances.stop))
            served_at = metrics.runtime(settings.metrics_address)
            temporal = await _temporal(settings, served_at)
            services = Services(
                engine=engine,
                temporal=temporal,
                payments=payments,
                public_url=settings.public_url,
                temporal_ui_url=settings.temporal_ui_url,
                identities=await _identities(settings, running),
                webhook_secret=settings.stripe_webhook_secret,
                link_secrets=settings.link_secrets,
                context=context,
                keys=KeyRing(engine),
                usage=await running.enter_async_context(
                    direct_usage(settings.database_url, context, temporal, wakeups=wakeups)
                ),
                balances=balances,
                link_life=timedelta(days=settings.link_days),
                limits=limits(
                    requests=settings.api_most_requests,
                    streams=settings.api_most_streams,
                    per_second=settings.api_requests_per_second,
                ),
                webhook_private_addresses=settings.webhook_private_addresses,
                invitations=settings.invitations,
                embed_origins=settings.embed_origins,
                price_lists={one.catalog.name: one.text for one in lists},
                metrics=DoorMetrics(served_at.metric_meter) if served_at else None,
            )
            _sample(services, running)
            # No look for garbage goes through what lasts as long as the process: each halted all
            # requests for a tenth of a second, twice a second under load.
            gc.collect()
            gc.freeze()
            yield {
                "services": services,
                "head_seconds": settings.api_head_seconds,
                "straight": Straight(services),
            }
    finally:
        engine.dispose()


def _sample(services: Services, running: AsyncExitStack) -> None:
    """Tell Prometheus every few seconds what this process holds, if it is asked at all."""
    if services.metrics is not None:
        sampling = keep_sampling(services.metrics, services.limits, services.usage.load)
        running.callback(asyncio.create_task(sampling).cancel)


async def _identities(settings: Settings, running: AsyncExitStack) -> Identities | None:
    """Return who says who operators are; None: nobody, they have passwords."""
    if settings.oidc_issuer is None:
        return None
    application = Application(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        scopes=settings.oidc_scopes,
    )
    http = await running.enter_async_context(httpx.AsyncClient())
    return Identities(
        Provider(application, http, settings.public_url + CALLBACK),
        RoleRules(settings.oidc_role_claim, settings.oidc_roles),
        settings.oidc_break_glass,
    )


def _context(settings: Settings, engine: Engine, lists: Sequence[PriceList]) -> BillingContext:
    return BillingContext(
        engine=engine,
        catalogs={one.catalog.name: one.catalog for one in lists},
        public_url=settings.public_url,
        link_secrets=settings.link_secrets,
        tell=Teller(engine).tell,
    )


async def _temporal(settings: Settings, runtime: Runtime | None) -> Client:
    """Return a client that connects when it is first used: Temporal may be away when we start."""
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = settings.temporal_address
    config["namespace"] = settings.temporal_namespace
    return await Client.connect(
        **config,
        data_converter=DATA_CONVERTER,
        lazy=True,
        runtime=runtime,
        interceptors=of_clients(tracing.tracer()),
    )
