"""Links that open the customer's console."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class PortalSession(Base):
    """A link that opens the console once, by the digest of its token alone."""

    __tablename__ = "portal_sessions"
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[int]
    member_id: Mapped[str | None]
    page: Mapped[str]
    return_url: Mapped[str | None]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
