"""Mail over SMTP: a connection per mail, from the standard library."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from domain.errors import InvalidInput
from gateways.mail import Letter, MailRefused, MailUnavailable

TIMEOUT = 10  # seconds, for connecting and for each answer
FINAL = 500  # SMTP: 5yz is a permanent negative answer, 4yz a transient one (RFC 5321, 4.2.1)
PORTS = {"smtp": 25, "smtps": 465, "starttls": 587}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to connect; `password` never shows in a repr."""

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Read `smtp[s]://user:password@host:port?starttls=1`; InvalidInput never quotes it."""
        parts = urlsplit(url)
        options = parse_qs(parts.query)
        starttls = options.pop("starttls", ["0"])
        valid = parts.scheme in {"smtp", "smtps"} and parts.hostname and not options
        if not valid or starttls not in (["0"], ["1"]) or parts.path not in {"", "/"}:
            raise _invalid_url()
        wants_starttls = starttls == ["1"]
        if wants_starttls and parts.scheme == "smtps":
            raise _invalid_url()
        return cls(
            host=str(parts.hostname),
            port=_port(parts) or PORTS["starttls" if wants_starttls else parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=wants_starttls,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpMailer:
    """Send letters from one address; answers go to `reply_to`, where a person reads them."""

    def __init__(self, url: str, *, sender: str, reply_to: str | None = None) -> None:
        self._server = SmtpServer.parse(url)
        self._sender = _sender(sender)
        self._reply_to = _sender(reply_to) if reply_to else self._sender

    @property
    def domain(self) -> str:
        """The domain of the sender, on which Message-IDs are made."""
        return self._sender.domain

    def send(self, letter: Letter, *, to: str, message_id: str) -> None:
        """Hand a letter over. Raises `MailRefused` (final) or `MailUnavailable` (retry)."""
        message = self._message(letter, to, message_id)
        with _connection(self._server) as connection:
            _transmit(connection, message, self._sender.addr_spec, to)

    def _message(self, letter: Letter, to: str, message_id: str) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        try:
            message["From"] = self._sender
            message["To"] = Address(addr_spec=to)
            message["Reply-To"] = self._reply_to
            message["Subject"] = letter.subject
            message["Message-ID"] = message_id
        except (ValueError, IndexError, HeaderParseError) as error:
            fault = f"the mail to {to!r} cannot be addressed: {error}"
            raise MailRefused("invalid_mail_header", fault) from error
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
        message.set_content(letter.text, cte="quoted-printable")
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        return message


@contextmanager
def _connection(server: SmtpServer) -> Iterator[smtplib.SMTP]:
    try:
        connection = _open(server)
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnavailable(f"no session with {server.host}:{server.port}: {error}") from error
    try:
        yield connection
    finally:
        # Once a mail is accepted, a failing goodbye must not look like a failing mail.
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def _open(server: SmtpServer) -> smtplib.SMTP:
    if server.tls:
        context = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    try:
        if server.starttls:
            connection.starttls(context=ssl.create_default_context())
        if server.user is not None:
            connection.login(server.user, server.password or "")
    except BaseException:
        connection.close()
        raise
    return connection


def _transmit(connection: smtplib.SMTP, message: EmailMessage, sender: str, to: str) -> None:
    try:
        connection.send_message(message, from_addr=sender, to_addrs=[to])
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = error.recipients[to]
        raise _failure(code, answer, to) from error
    except smtplib.SMTPDataError as error:
        raise _failure(error.smtp_code, error.smtp_error, to) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused("address_not_supported", f"{to} needs SMTPUTF8: {error}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnavailable(f"the mail to {to} was not accepted: {error}") from error


def _failure(code: int, answer: bytes | str, to: str) -> MailRefused | MailUnavailable:
    words = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    fault = f"the mail server answered {code} for {to}: {words}"
    if code >= FINAL:
        return MailRefused("mail_refused", f"{fault}; correct the customer's mail address")
    return MailUnavailable(fault)


def _sender(text: str) -> Address:
    message = EmailMessage(policy=SMTP_POLICY)
    try:
        message["From"] = text
        (address,) = message["From"].addresses
    except (ValueError, IndexError, HeaderParseError) as error:
        raise _invalid_sender(text) from error
    if not (address.username and address.domain):
        raise _invalid_sender(text)
    return Address(address.display_name, addr_spec=address.addr_spec)


def _invalid_sender(text: str) -> InvalidInput:
    message = f"{text!r} is no sender: write one as `Acme Billing <billing@acme.example>`"
    return InvalidInput("invalid_mail_sender", message)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise _invalid_url() from error


def _invalid_url() -> InvalidInput:
    cure = "write SMTP_URL as smtp://user:password@host:port, smtps://host or with ?starttls=1"
    return InvalidInput("invalid_smtp_url", cure)
