"""What is owed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Key, Ref, Volume


class BillingRun(Base):
    """开账: one issue of bills for a period (of the whole plant, or of one route)."""

    __tablename__ = "billing_run"
    __table_args__ = (Index(None, "period"),)

    id: Mapped[Key]
    kind: Mapped[str]  # regular, reversal, adjustment, closing
    period: Mapped[str]
    route_id: Mapped[Ref | None]
    issued_on: Mapped[date]
    bills: Mapped[int]
    volume: Mapped[Volume]
    amount: Mapped[Amount]
    by_id: Mapped[Ref | None]
    at: Mapped[datetime]


class Bill(Base):
    """水费单: immutable. A correction is another bill that names the one it reverses or adjusts.

    `document` keeps what the amount is made of: {"tariffs": [{"name", "version_id"}], "lines": [as in the tariff
    file's quote], "months", "used_before", "counted", "late_fee"}.
    """

    __tablename__ = "bill"
    __table_args__ = (
        # Once per customer, meter, period and kind: `round` rises only when the bill before has been reversed.
        Index(
            "uq_bill_once",
            "customer_id",
            "period",
            text("coalesce(binding_id, 0)"),
            "kind",
            "round",
            unique=True,
        ),
        Index(
            "uq_bill_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(None, "period", "route_id"),
        # The few corrections of a period, among its many bills.
        Index("ix_bill_corrections", "period", postgresql_where=text("kind <> 'regular'")),
        CheckConstraint("kind IN ('regular', 'adjustment', 'reversal')", name="kind"),
    )

    id: Mapped[Key]
    run_id: Mapped[Ref]
    kind: Mapped[str]
    period: Mapped[str]
    round: Mapped[int]
    customer_id: Mapped[Ref] = mapped_column(ForeignKey("customer.id"))
    binding_id: Mapped[Ref | None]
    route_id: Mapped[Ref]
    use_category_id: Mapped[Ref]
    start_reading: Mapped[Volume | None]
    end_reading: Mapped[Volume | None]
    read_on: Mapped[date | None]
    volume: Mapped[Volume]
    amount: Mapped[Amount]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    reverses_id: Mapped[Ref | None]  # the bill this one takes back
    adjusts_id: Mapped[Ref | None]  # the bill whose volume this one corrects
    document: Mapped[dict[str, Any]]


class OpenItem(Base):
    """未结清的账单: a bill's unpaid rest, kept beside the immutable bill; gone when settled.

    Always equal to bill − settlements (`flask ledger verify` recomputes it).
    """

    __tablename__ = "open_item"
    __table_args__ = (CheckConstraint("unpaid >= 0 AND late_fee >= 0", name="unpaid"),)

    customer_id: Mapped[Ref] = mapped_column(primary_key=True)
    bill_id: Mapped[Ref] = mapped_column(primary_key=True)
    period: Mapped[str]
    due_on: Mapped[date]
    unpaid: Mapped[Amount]
    late_fee: Mapped[Decimal] = mapped_column(
        Numeric(16, 6), default=0
    )  # 违约金 accrued up to `accrued_to`, not yet settled
    accrued_to: Mapped[date | None]
