"""What came in, and what it settled."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Key, Ref


class Payment(Base):
    """缴费: one movement on one customer's account; immutable.

    received + waived = settled + late_fee + credit_delta. `received` is what stayed with the plant (tendered − change).
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("received + waived = settled + late_fee + credit_delta", name="adds_up"),
        CheckConstraint(
            "kind IN ('payment', 'top_up', 'auto_deduct', 'opening', 'refund', 'reversal', 'waiver', 'credit')",
            name="kind",
        ),
        Index(
            "uq_payment_receipt",
            "receipt_year",
            "receipt_no",
            unique=True,
            postgresql_where=text("receipt_no IS NOT NULL"),
        ),
        Index(
            "uq_payment_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(None, "customer_id"),
        Index(None, "business_date"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    customer_id: Mapped[Ref] = mapped_column(ForeignKey("customer.id"))
    route_id: Mapped[Ref]
    method: Mapped[str]  # cash, wechat, alipay, bank, prepaid, opening, none
    business_date: Mapped[date]
    at: Mapped[datetime]
    cashier_id: Mapped[Ref | None]
    tendered: Mapped[Amount] = mapped_column(default=0)  # 收到的钱 before change
    received: Mapped[Amount] = mapped_column(default=0)
    waived: Mapped[Amount] = mapped_column(default=0)
    settled: Mapped[Amount] = mapped_column(default=0)
    late_fee: Mapped[Amount] = mapped_column(default=0)
    credit_delta: Mapped[Amount] = mapped_column(default=0)
    receipt_year: Mapped[int | None]
    receipt_no: Mapped[int | None]
    batch: Mapped[str | None]  # 合单收费: the same for all accounts paid together
    reverses_id: Mapped[Ref | None]
    note: Mapped[str] = mapped_column(default="")


class Settlement(Base):
    """销账: how much of a bill a payment settled."""

    __tablename__ = "settlement"
    __table_args__ = (Index(None, "bill_id"),)

    payment_id: Mapped[Ref] = mapped_column(primary_key=True)
    bill_id: Mapped[Ref] = mapped_column(primary_key=True)
    amount: Mapped[Amount]
    late_fee: Mapped[Amount] = mapped_column(default=0)


class RequestKey(Base):
    """幂等键: a form sent twice is answered once; the same key with other content is refused."""

    __tablename__ = "request_key"

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    result: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class DayClose(Base):
    """日结: a cashier's day, counted and locked."""

    __tablename__ = "day_close"
    __table_args__ = (Index("uq_day_close_cashier", "cashier_id", "business_date", unique=True),)

    id: Mapped[Key]
    cashier_id: Mapped[Ref] = mapped_column(ForeignKey("staff_user.id"))
    business_date: Mapped[date]
    expected: Mapped[dict[str, Any]]  # by method, yuan as strings
    counted: Mapped[dict[str, Any]]
    at: Mapped[datetime]
