"""The mails that were caught: one `.eml` file each, and an index in memory."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from pathlib import Path

# What a mail server adds on top, and what survives a restart of the catcher.
TO_HEADER = "Delivered-To"
TIME_HEADER = "X-Received-At"


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A mail as its reader sees it. `to` is where it was delivered, whatever its header says."""

    mail_id: str
    received_at: datetime
    to: tuple[str, ...]
    sender: str
    subject: str
    message_id: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Kept:
    """A mail that is read only once somebody looks: reading takes longer than catching."""

    mail_id: str
    to: tuple[str, ...]
    content: bytes
    _mail: CaughtMail | None = None

    def is_for(self, address: str) -> bool:
        """Return whether the mail was delivered to an address, in any case of its letters."""
        return address.lower() in (to.lower() for to in self.to)

    def read(self) -> CaughtMail:
        """Return the mail as its reader sees it."""
        if self._mail is None:
            self._mail = _read(self.mail_id, self.content)
        return self._mail


class MailStore:
    """All mails of a folder, oldest first inside; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._mails = [_kept(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.eml"))]
        self._count = int(self._mails[-1].mail_id) if self._mails else 0

    def add(self, content: bytes, to: Sequence[str]) -> str:
        """Keep a mail; it is on disk when this returns its id."""
        with self._lock:
            self._count += 1
            mail_id = f"{self._count:06d}"
            now = datetime.now(UTC).isoformat()
            added = [f"{TIME_HEADER}: {now}", *(f"{TO_HEADER}: {address}" for address in to)]
            whole = "\r\n".join(added).encode() + b"\r\n" + content
            unfinished = self._folder / f"{mail_id}.part"
            unfinished.write_bytes(whole)
            unfinished.replace(self._path(mail_id))
            self._mails.append(_Kept(mail_id, tuple(to), whole))
            return mail_id

    def all(self, to: str | None = None) -> list[CaughtMail]:
        """Return the mails, newest first, of one address or of all."""
        with self._lock:
            kept = list(reversed(self._mails))
        return [one.read() for one in kept if to is None or one.is_for(to)]

    def get(self, mail_id: str) -> CaughtMail | None:
        """Return one mail, or None when there is none of that id."""
        with self._lock:
            found = next((one for one in self._mails if one.mail_id == mail_id), None)
        return found.read() if found is not None else None

    def clear(self) -> int:
        """Forget every mail; return how many there were."""
        with self._lock:
            for mail in self._mails:
                self._path(mail.mail_id).unlink(missing_ok=True)
            count = len(self._mails)
            self._mails.clear()
            return count

    def _path(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"


def _kept(mail_id: str, content: bytes) -> _Kept:
    return _Kept(mail_id, _read(mail_id, content).to, content)


def _read(mail_id: str, content: bytes) -> CaughtMail:
    message = message_from_bytes(content, policy=policy)
    shown = [(name, str(value)) for name, value in message.items()]
    return CaughtMail(
        mail_id=mail_id,
        received_at=datetime.fromisoformat(str(message[TIME_HEADER])),
        to=tuple(str(to) for to in message.get_all(TO_HEADER, [])),
        sender=str(message.get("From", "")),
        subject=str(message.get("Subject", "")),
        message_id=str(message.get("Message-ID", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers=tuple(pair for pair in shown if pair[0] not in {TO_HEADER, TIME_HEADER}),
    )


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
