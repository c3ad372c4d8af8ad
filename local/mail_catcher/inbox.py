"""The SMTP side: take every mail, or refuse it where a fault says so."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mail_catcher.faults import Faults, Stage
from local.mail_catcher.store import MailStore


class Inbox:
    """Answer the mail commands that decide; aiosmtpd calls the methods by these names."""

    def __init__(self, store: MailStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802, D102
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _rcpt_options: list[str],
    ) -> str:
        fault = self._faults.take(address, Stage.RECIPIENT)
        if fault is not None:
            return fault.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802, D102
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
    ) -> str:
        content = envelope.original_content or b""
        mail_id = await asyncio.to_thread(self._store.add, content, envelope.rcpt_tos)
        for address in envelope.rcpt_tos:
            fault = self._faults.take(address, Stage.STORED)
            if fault is not None:
                return fault.answer
        return f"250 kept as {mail_id}"


async def listen(store: MailStore, faults: Faults, port: int) -> asyncio.Server:
    """Serve SMTP on a loopback port until the server is closed."""
    loop = asyncio.get_running_loop()
    inbox = Inbox(store, faults)
    return await loop.create_server(
        lambda: SMTP(inbox, enable_SMTPUTF8=True, hostname="mail-catcher.invalid", loop=loop),
        host="127.0.0.1",
        port=port,
    )
