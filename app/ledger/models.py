"""The books: double entry, append-only by the plant role's privileges."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Key, Ref


class LedgerEntry(Base):
    """记账凭证: one posted batch; its postings sum to zero."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index(None, "business_date"),)

    id: Mapped[Key]
    business_date: Mapped[date]
    kind: Mapped[str]  # bills, payment, top_up, auto_deduct, opening, refund, reversal, waiver …
    source_id: Mapped[Ref | None]  # the billing run or payment it came from
    reverses_id: Mapped[Ref | None] = mapped_column(unique=True)
    by_id: Mapped[Ref | None]
    at: Mapped[datetime]


class Posting(Base):
    """分录: debit positive, credit negative. Accounts: app.ledger.rules."""

    __tablename__ = "posting"
    __table_args__ = (Index(None, "entry_id"),)

    id: Mapped[Key]
    entry_id: Mapped[Ref] = mapped_column(ForeignKey("ledger_entry.id"))
    account: Mapped[str]
    route_id: Mapped[Ref | None]
    amount: Mapped[Amount]
