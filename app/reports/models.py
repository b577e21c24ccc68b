"""What a closed day looked like, summed once at night."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Ref, Volume


class DailySummary(Base):
    """日汇总: the sums of a day by book, what moved, how and through whom. `staff_id` 0: nobody (the night)."""

    __tablename__ = "daily_summary"

    business_date: Mapped[date] = mapped_column(primary_key=True)
    route_id: Mapped[Ref] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # bill, or a payment's kind
    method: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[Ref] = mapped_column(primary_key=True)
    count: Mapped[int]
    volume: Mapped[Volume] = mapped_column(default=0)
    amount_due: Mapped[Amount] = mapped_column(default=0)
    received: Mapped[Amount] = mapped_column(default=0)
    settled: Mapped[Amount] = mapped_column(default=0)
    late_fee: Mapped[Amount] = mapped_column(default=0)
    waived: Mapped[Amount] = mapped_column(default=0)
    credit_delta: Mapped[Amount] = mapped_column(default=0)
