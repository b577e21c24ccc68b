"""What the dial said."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Key, Ref, Volume


class Reading(Base):
    """抄表记录: one per binding and period. Only an accepted one with a value is billed.

    `kind`: actual 实抄, estimated 估抄, unread 未抄. `review`: accepted, held (待复核), returned (退回重抄).
    """

    __tablename__ = "reading"
    __table_args__ = (
        Index("uq_reading_binding_id_period", "binding_id", "period", unique=True),
        Index(None, "period", "route_id"),
        CheckConstraint("kind IN ('actual', 'estimated', 'unread')", name="kind"),
        CheckConstraint("review IN ('accepted', 'held', 'returned')", name="review"),
        CheckConstraint("(kind = 'unread') = (end_reading IS NULL)", name="value"),
        CheckConstraint("review <> 'accepted' OR volume IS NULL OR volume >= 0", name="volume"),
    )

    id: Mapped[Key]
    binding_id: Mapped[Ref] = mapped_column(ForeignKey("meter_binding.id"))
    customer_id: Mapped[Ref]
    route_id: Mapped[Ref]  # the book it was read in
    reader_id: Mapped[Ref | None]
    period: Mapped[str]
    start_reading: Mapped[Volume]  # 起码
    end_reading: Mapped[Volume | None]  # 止码
    volume: Mapped[Volume | None]  # m³; negative only while held
    read_on: Mapped[date]
    kind: Mapped[str]
    review: Mapped[str] = mapped_column(default="accepted")
    held_for: Mapped[str] = mapped_column(default="")  # backwards, high, closing …
    note: Mapped[str] = mapped_column(default="")
    recorded_by: Mapped[Ref | None]
    recorded_at: Mapped[datetime]
