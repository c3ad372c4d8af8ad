"""Run the stand-in: `python -m local.stripe_standin --port 0 --data FOLDER`."""

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

from local.stripe_spec.checker import Spec
from local.stripe_standin.api import Api
from local.stripe_standin.control import Control
from local.stripe_standin.faults import Faults
from local.stripe_standin.pages.hosted import Pages
from local.stripe_standin.server import Request, Response, serve
from local.stripe_standin.store import Store
from local.stripe_standin.webhooks import Endpoint, Webhooks
from local.stripe_standin.world import World

HOST = "127.0.0.1"


class StandInServer:
    """The three halves behind one address."""

    def __init__(self, world: World) -> None:
        self._api = Api(world)
        self._control = Control(world, self._api)
        self._pages = Pages(world)

    async def answer(self, request: Request) -> Response:
        """Send a request to the half it is for."""
        if request.path.startswith("/v1/"):
            return await self._api.answer(request)
        if request.path.startswith("/_"):
            return self._control.answer(request)
        return self._pages.answer(request)


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    store = Store(options.data)
    endpoint = Endpoint(options.webhook_url, options.webhook_secret)
    world = World(Spec(), store, Faults(), Webhooks(store, endpoint))
    server = await serve(StandInServer(world).answer, HOST, options.port)
    port = server.sockets[0].getsockname()[1]
    world.base_url = f"http://{HOST}:{port}"
    world.webhooks.resume()
    print(f"Stripe stand-in (not Stripe) on {world.base_url}", flush=True)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.close()
    store.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A stand-in for Stripe. Not Stripe.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--data", type=Path, help="folder that remembers across restarts")
    parser.add_argument("--webhook-url", default="", help="where events go; later: POST /_config")
    parser.add_argument("--webhook-secret", default="whsec_standin")
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(_options()))
