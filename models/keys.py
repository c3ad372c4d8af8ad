"""The keys of programs that call the API."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class ApiKeyRow(Base):
    """A key, by the digest of it alone; it stays when it is replaced or revoked."""

    __tablename__ = "api_keys"
    key_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    name: Mapped[str]
    scopes: Mapped[list[str]]
    catalog: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    replaced_by: Mapped[str | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
