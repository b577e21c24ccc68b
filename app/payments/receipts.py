"""收据: what a receipt says, the same however often it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select

from app import audit
from app.audit import AuditEntry
from app.billing.explain import Explanation, explain
from app.billing.models import Bill
from app.customers.models import Customer
from app.db import db
from app.money import in_words
from app.payments import desk, queries
from app.payments.desk import Account
from app.payments.models import Payment, Settlement
from app.payments.rules import METHODS, ZERO
from app.staff.models import StaffUser


class Line(NamedTuple):
    """A line of a bill in words: '水费（第 2 阶梯）', '8', '3.00', '24.00'."""

    item: str
    quantity: str
    price: str
    amount: str

    @classmethod
    def of(cls, line: Mapping[str, Any], *, in_part: bool) -> Line:
        """A line of the bill's document; its amount in brackets where the receipt is not for all of it."""
        tier = f"（第 {line['tier']} 阶梯）" if line.get("tier") else ""
        beyond = f"（超定额 {line['multiplier']} 倍）" if line.get("multiplier") else ""
        factor = f" × {line['volume_factor']}" if line.get("volume_factor") else ""
        amount = f"（{line['amount']}）" if in_part else str(line["amount"])
        return cls(
            f"{line['item']}{tier}{beyond}",
            line.get("volume") or line.get("quantity") or "",
            f"{line.get('price') or ''}{factor}",
            amount,
        )

    @property
    def width(self) -> int:
        """Of the item: a Chinese character is 2 wide."""
        return sum(1 if character.isascii() else 2 for character in self.item)


class SettledBill(NamedTuple):
    """A bill on the receipt: `paid` and `late_fee` by this payment, `before` by earlier ones; yuan."""

    period: str
    start_reading: Decimal | None
    end_reading: Decimal | None
    volume: Decimal
    amount: Decimal
    document: dict[str, Any]
    paid: Decimal
    late_fee: Decimal
    before: Decimal

    @property
    def why(self) -> Explanation:
        """The bill's lines."""
        return explain(self.document)

    @property
    def in_part(self) -> bool:
        """Whether this payment paid only part of the bill."""
        return self.paid != self.amount

    @property
    def lines(self) -> list[Line]:
        """What it is made of."""
        return [Line.of(line, in_part=self.in_part) for line in self.document["lines"]]

    def rows(self, width: int) -> list[list[Line]]:
        """The lines by rows of the paper's table: all in one, unless an item is wider than its column and wraps.

        A cell costs as much to print as a dozen lines in it.
        """
        lines = self.lines
        return [lines] if all(line.width <= width for line in lines) else [[line] for line in lines]

    @property
    def left(self) -> Decimal:
        """What this payment left unpaid."""
        return self.amount - self.before - self.paid


class Receipt(NamedTuple):
    """One receipt. `balance`: the account's 预存 after this payment."""

    payment: Payment
    account: Account
    bills: list[SettledBill]
    balance: Decimal
    cashier: str
    void: bool  # 冲红: it keeps its number and says so

    @property
    def number(self) -> str:
        """'2026-000123': without gaps in the plant and year."""
        return f"{self.payment.receipt_year}-{self.payment.receipt_no:06d}"

    @property
    def total(self) -> Decimal:
        """What the receipt is for: bills, late fees and what went into 预存; of a refund, what came out of it."""
        if self.payment.kind == "refund":
            return -self.payment.credit_delta
        return self.payment.settled + self.payment.late_fee + max(self.payment.credit_delta, ZERO)

    @property
    def total_in_words(self) -> str:
        """大写金额."""
        return in_words(self.total)

    @property
    def method(self) -> str:
        """缴费方式."""
        return METHODS[self.payment.method]

    @property
    def change(self) -> Decimal:
        """找零."""
        return self.payment.tendered - self.payment.received

    @property
    def title(self) -> str:
        """What the paper is called."""
        return {"top_up": "预存水费收据", "refund": "预存退款凭据"}.get(self.payment.kind, "水费收据")

    @property
    def at(self) -> datetime:
        """When it was paid."""
        return self.payment.at


def receipt(payment_id: int) -> Receipt | None:
    """The receipt of a payment; None for what has none (自动扣费, 期初)."""
    payment = queries.payment(payment_id)
    if payment is None or payment.receipt_no is None:
        return None
    account = desk.account(payment.customer_id)
    assert account
    cashier = db.session.scalar(select(StaffUser.name).where(StaffUser.id == payment.cashier_id))
    void = db.session.scalar(select(Payment.id).where(Payment.reverses_id == payment.id)) is not None
    return Receipt(payment, account, _bills(payment), _balance_after(payment), cashier or "—", void)


def batch_of(payment: Payment) -> list[int]:
    """The payments with receipts that were taken together with this one (合单收费), itself among them, in order."""
    if not payment.batch:
        return [payment.id]
    query = select(Payment.id).where(
        Payment.batch == payment.batch, Payment.business_date == payment.business_date, Payment.receipt_no.is_not(None)
    )
    return list(db.session.scalars(query.order_by(Payment.id)))


def _bills(payment: Payment) -> list[SettledBill]:
    earlier = (
        select(func.coalesce(func.sum(Settlement.amount), 0))
        .where(Settlement.bill_id == Bill.id, Settlement.payment_id < payment.id)
        .correlate(Bill)
        .scalar_subquery()
    )
    query = (
        select(
            Bill.period,
            Bill.start_reading,
            Bill.end_reading,
            Bill.volume,
            Bill.amount,
            Bill.document,
            Settlement.amount,
            Settlement.late_fee,
            earlier,
        )
        .join(Settlement, Settlement.bill_id == Bill.id)
        .where(Settlement.payment_id == payment.id)
        .order_by(Bill.period, Bill.id)
    )
    return [SettledBill(*row) for row in db.session.execute(query)]


def _balance_after(payment: Payment) -> Decimal:
    """Movements of an account wait for each other, so that their ids are in order."""
    query = select(func.coalesce(func.sum(Payment.credit_delta), 0)).where(
        Payment.customer_id == payment.customer_id, Payment.id <= payment.id
    )
    return db.session.scalar(query) or ZERO


def record_copy(found: Receipt) -> int:
    """Note in the log that the receipt is printed, and the how-manieth time: 1 is the original, later ones are 补打."""
    # Of two who print at the same moment one waits, and gets the copy.
    db.session.execute(select(Customer.id).where(Customer.id == found.account.id).with_for_update(key_share=True))
    mine = (AuditEntry.entity == "payment", AuditEntry.entity_id == found.payment.id, AuditEntry.action == "printed")
    copy = (db.session.scalar(select(func.count()).where(*mine)) or 0) + 1
    audit.record("printed", "payment", found.payment.id, {"receipt": found.number, "copy": copy})
    return copy
