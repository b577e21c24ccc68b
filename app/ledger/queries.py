"""What the books say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from app.db import db
from app.ledger.models import LedgerEntry, Posting


def balances(*, until: date | None = None, since: date | None = None) -> dict[str, Decimal]:
    """Sum of every account, of entries dated in the span (both ends included); debit positive."""
    query = select(Posting.account, func.sum(Posting.amount)).group_by(Posting.account)
    if until or since:
        query = query.join(LedgerEntry, LedgerEntry.id == Posting.entry_id)
    if until:
        query = query.where(LedgerEntry.business_date <= until)
    if since:
        query = query.where(LedgerEntry.business_date >= since)
    return dict(db.session.execute(query).all())


def imbalance() -> Decimal:
    """What all postings together lack to zero; anything but 0.00 is an error in the program."""
    return db.session.scalar(select(func.coalesce(func.sum(Posting.amount), 0))) or Decimal("0.00")
