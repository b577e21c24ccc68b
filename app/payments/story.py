"""What one movement of money did: the bills it settled, its entries in the books, what took it back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from app.audit import AuditEntry
from app.billing.models import Bill
from app.db import db
from app.ledger.models import LedgerEntry, Posting
from app.ledger.rules import account_name
from app.payments import desk, queries
from app.payments.desk import Account
from app.payments.models import Payment, Settlement
from app.payments.rules import KINDS, METHODS
from app.staff.models import StaffUser


class Entry(NamedTuple):
    """凭证: its postings as (account, debit, credit) in yuan; None where the other side stands."""

    id: int
    business_date: date
    lines: list[tuple[str, Decimal | None, Decimal | None]]


class Story(NamedTuple):
    """A movement, with everything that explains it."""

    payment: Payment
    account: Account
    cashier: str
    bills: list[Any]  # period, bill_amount, amount, late_fee
    entries: list[Entry]
    reversal: Payment | None  # what took it back
    original: Payment | None  # what it took back
    together: list[Any]  # other movements of the same batch: id, receipt_year, receipt_no, holder's id
    log: list[AuditEntry]

    @property
    def number(self) -> str:
        """Its receipt number, or where it has none its own."""
        return number_of(self.payment)

    @property
    def kind(self) -> tuple[str, str]:
        """Its word and tone."""
        return KINDS[self.payment.kind]

    @property
    def method(self) -> str:
        """缴费方式; '—' where no money moved."""
        return METHODS.get(self.payment.method, "—")

    @property
    def change(self) -> Decimal:
        """找零."""
        return self.payment.tendered - self.payment.received


def number_of(payment: Any) -> str:
    """'2026-000123' of what has a receipt, '第 45 笔' of what has none."""
    if payment.receipt_no is None:
        return f"第 {payment.id} 笔"
    return f"{payment.receipt_year}-{payment.receipt_no:06d}"


def story(payment_id: int) -> Story | None:
    """The movement of this id; None where there is none."""
    payment = queries.payment(payment_id)
    if payment is None:
        return None
    account = desk.account(payment.customer_id)
    assert account
    chain = _chain(payment)
    return Story(
        payment,
        account,
        db.session.scalar(select(StaffUser.name).where(StaffUser.id == payment.cashier_id)) or "—",
        _bills(payment.id),
        _entries(payment),
        next((one for one in chain if one.reverses_id == payment.id), None),
        next((one for one in chain if one.id == payment.reverses_id), None),
        [one for one in chain if one.batch and one.batch == payment.batch and one.kind == payment.kind],
        _log(payment.id),
    )


def _chain(payment: Payment) -> list[Payment]:
    """What takes it back, what it takes back, and what was paid together with it."""
    fits = [Payment.reverses_id == payment.id]
    fits += [Payment.id == payment.reverses_id] if payment.reverses_id else []
    # a batch is of one day: its index finds the few rows
    same_day = Payment.business_date == payment.business_date
    fits += [same_day & (Payment.batch == payment.batch)] if payment.batch else []
    found = select(Payment).where(or_(*fits), Payment.id != payment.id).order_by(Payment.id)
    return list(db.session.scalars(found))


def _bills(payment_id: int) -> list[Any]:
    query = (
        select(Bill.id, Bill.period, Bill.amount.label("bill_amount"), Settlement.amount, Settlement.late_fee)
        .join(Settlement, Settlement.bill_id == Bill.id)
        .where(Settlement.payment_id == payment_id)
        .order_by(Bill.period, Bill.id)
    )
    return list(db.session.execute(query))


def _entries(payment: Payment) -> list[Entry]:
    """The entry that is the movement's own; deductions and opening balances are posted many at once and have none."""
    query = (
        select(LedgerEntry.id, LedgerEntry.business_date, Posting.account, Posting.amount)
        .join(Posting, Posting.entry_id == LedgerEntry.id)
        .where(
            LedgerEntry.business_date == payment.business_date,
            LedgerEntry.kind == payment.kind,
            LedgerEntry.source_id == payment.id,
        )
        .order_by(LedgerEntry.id, Posting.amount.desc())
    )
    found: dict[int, Entry] = {}
    for key, day, account, amount in db.session.execute(query):
        entry = found.setdefault(key, Entry(key, day, []))
        sides = (amount, None) if amount > 0 else (None, -amount)
        entry.lines.append((account_name(account), *sides))
    return list(found.values())


def _log(payment_id: int) -> list[AuditEntry]:
    mine = (AuditEntry.entity == "payment", AuditEntry.entity_id == payment_id)
    return list(db.session.scalars(select(AuditEntry).where(*mine).order_by(AuditEntry.id)))
