"""`python -m local.mail_catcher --port N --http-port M --data FOLDER`: run until told to stop."""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from local.mail_catcher.faults import Faults
from local.mail_catcher.inbox import listen
from local.mail_catcher.store import MailStore
from local.mail_catcher.web import application


async def serve(port: int, http_port: int, folder: Path) -> None:
    """Serve SMTP and the web page on loopback ports until SIGTERM or SIGINT."""
    store, faults = MailStore(folder), Faults()
    inbox = await listen(store, faults, port)
    config = uvicorn.Config(
        application(store, faults), host="127.0.0.1", port=http_port, log_level="warning"
    )
    async with inbox:
        await uvicorn.Server(config).serve()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Catch mails, show them, deliver none.")
    parser.add_argument("--port", type=int, required=True, help="SMTP, on loopback")
    parser.add_argument("--http-port", type=int, required=True, help="web page, on loopback")
    parser.add_argument("--data", type=Path, required=True, help="folder of .eml files")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.http_port, given.data))


if __name__ == "__main__":
    main()
