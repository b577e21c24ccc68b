"""The books as one page of plain Python: what every service must come to. No database, no set-based SQL, no cleverness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT, ZERO = Decimal("0.01"), Decimal("0.00")


class Refused(Exception):
    """A rule says no."""


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Rules:
    """A standard: what m³ cost, and what lateness does."""

    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    flat: Decimal
    daily_rate: Decimal
    charged: bool
    cap: Decimal | None
    minimum: Decimal

    def price(self, volume: int) -> Decimal:
        total, lower = ZERO, Decimal(0)
        for upper, price in self.tiers:
            top = Decimal(volume) if upper is None else min(Decimal(volume), upper)
            if top > lower:
                total += cents((top - lower) * price)
                lower = top
        return total + cents(volume * self.flat)


def due_after(day: date) -> date:
    """The 25th, on or after the day."""
    while day.day != 25:
        day += timedelta(days=1)
    return day


@dataclass
class Item:
    """An open rest."""

    unpaid: Decimal
    fee: Decimal = ZERO
    accrued_to: date | None = None


@dataclass
class Bill:
    """A bill; `adjusts` is the one it corrects."""

    id: int
    account: Account
    period: str
    amount: Decimal
    volume: int
    due: date
    adjusts: Bill | None = None
    settled: Decimal = ZERO
    fees: Decimal = ZERO  # late fees settled
    gone: bool = False

    @property
    def rules(self) -> Rules:
        return self.account.rules


@dataclass
class Account:
    """A customer."""

    id: int
    rules: Rules
    auto: bool
    credit: Decimal = ZERO
    items: dict[int, Item] = field(default_factory=dict)  # by bill id


@dataclass
class Movement:
    """A payment, of whatever kind."""

    id: int
    kind: str
    account: Account
    method: str
    day: date
    drawer: int | None
    received: Decimal = ZERO
    waived: Decimal = ZERO
    settled: list[tuple[Bill, Decimal, Decimal]] = field(default_factory=list)
    credit: Decimal = ZERO
    gone: bool = False


@dataclass
class Books:
    """A plant. Every method is an event: it happens, or Refused is raised and nothing has changed."""

    accounts: list[Account]
    fee_first: bool = True
    bills: dict[int, Bill] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    closed: set[tuple[int | None, date]] = field(default_factory=set)

    @contextmanager
    def as_if_nothing_happened(self) -> Iterator[None]:
        """For an event that is refused: late fees it worked out on the way are forgotten."""
        items = [item for account in self.accounts for item in account.items.values()]
        before = [(item.fee, item.accrued_to) for item in items]
        yield
        for item, (fee, accrued_to) in zip(items, before, strict=True):
            item.fee, item.accrued_to = fee, accrued_to

    # what must hold, for a look from outside

    def ledger(self) -> dict[str, Decimal]:
        """Balances of the accounts that money tells apart; those of zero left out."""
        found: dict[str, Decimal] = {"receivable": ZERO, "prepayment": ZERO, "late_fee": ZERO, "waiver": ZERO}
        for bill in self.bills.values():
            found["receivable"] += ZERO if bill.gone else bill.amount
        for movement in self.movements:
            found[movement.method] = found.get(movement.method, ZERO) + movement.received
            found["waiver"] += movement.waived
            found["prepayment"] -= movement.credit
            for _, amount, fee in movement.settled:
                found["receivable"] -= amount
                found["late_fee"] -= fee
        return {account: amount for account, amount in found.items() if amount}

    def drawer(self, cashier: int, day: date) -> dict[str, Decimal]:
        """What a cashier's drawer must hold by method."""
        found: dict[str, Decimal] = {}
        for m in self.movements:
            if (m.drawer, m.day) == (cashier, day) and m.method in ("cash", "wechat"):
                found[m.method] = found.get(m.method, ZERO) + m.received
        return found

    # bills

    def standing_bill(self, account: Account, period: str) -> Bill | None:
        """The period's bill that nothing has taken back."""
        for bill in self.bills.values():
            if bill.account is account and bill.period == period and not bill.adjusts and not bill.gone:
                return bill
        return None

    def issue(self, bill: Bill) -> None:
        self.bills[bill.id] = bill
        if bill.amount > 0:
            bill.account.items[bill.id] = Item(bill.amount)

    def adjustments(self, bill: Bill) -> list[Bill]:
        return [one for one in self.bills.values() if one.adjusts is bill and not one.gone]

    def touched(self, bill: Bill) -> bool:
        return bool(bill.settled or bill.fees or self.adjustments(bill))

    def undo(self, bills: list[Bill]) -> None:
        standing = [bill for bill in bills if not bill.gone]
        if not standing or any(self.touched(bill) for bill in standing):
            raise Refused
        for bill in standing:
            bill.gone = True
            bill.account.items.pop(bill.id, None)

    def adjustment(self, bill: Bill, volume: int) -> tuple[Decimal, int]:
        """Yuan and m³ that correcting the bill comes to."""
        now = bill.volume + sum(one.volume for one in self.adjustments(bill))
        if bill.gone or bill.adjusts or volume == now:
            raise Refused
        return bill.rules.price(volume) - bill.rules.price(now), volume - now

    def adjust(self, made: Bill, today: date) -> None:
        self.charge_up_to(made.account, today)
        self.issue(made)
        if made.amount >= 0:
            return
        assert made.adjusts
        left, settled = -made.amount, [(made, made.amount, ZERO)]
        for bill in [made.adjusts, *self.adjustments(made.adjusts)]:
            item = made.account.items.get(bill.id)
            taken = min(left, item.unpaid) if item else ZERO
            if taken:
                left -= taken
                settled.append((bill, taken, ZERO))
        self.move(Movement(0, "credit", made.account, "none", today, None, settled=settled, credit=left))

    # lateness

    def accrue(self, account: Account, today: date) -> None:
        for bill_id, item in account.items.items():
            bill, rules = self.bills[bill_id], account.rules
            since = item.accrued_to or bill.due
            if since >= today or bill.due >= today:
                continue
            base = bill.amount if rules.charged and item.unpaid > 0 else item.unpaid
            fee = max(item.fee + base * rules.daily_rate * (today - since).days, rules.minimum - bill.fees)
            if rules.cap is not None:
                fee = min(fee, rules.cap * bill.amount - bill.fees)
            item.fee, item.accrued_to = max(fee, ZERO), today

    def accrue_all(self, today: date) -> None:
        for account in self.accounts:
            self.accrue(account, today)

    def charge_up_to(self, account: Account, today: date) -> None:
        self.accrue(account, today)
        for item in account.items.values():
            item.fee = cents(item.fee)

    # money

    def spread(self, account: Account, bills: list[int], money: Decimal) -> list[tuple[Bill, Decimal, Decimal]]:
        """Oldest first, on each its late fee first, or its principal."""
        settled = []
        for bill in sorted((self.bills[b] for b in bills), key=lambda b: (b.period, b.id)):
            item = account.items[bill.id]
            if self.fee_first:
                fee = min(money, item.fee)
                amount = min(money - fee, item.unpaid)
            else:
                amount = min(money, item.unpaid)
                fee = min(money - amount, item.fee)
            money -= fee + amount
            if fee + amount:
                settled.append((bill, amount, fee))
        return settled

    @staticmethod
    def rounded(fee: Decimal) -> Decimal:
        return cents(fee)

    def owed(self, account: Account, bills: list[int]) -> Decimal:
        return sum((account.items[b].unpaid + account.items[b].fee for b in bills), ZERO)

    def move(self, movement: Movement) -> None:
        """Settlements, prepayment, drawer: all at once."""
        account = movement.account
        if account.credit + movement.credit < 0:
            raise Refused
        account.credit += movement.credit
        for bill, amount, fee in movement.settled:
            bill.settled += amount
            bill.fees += fee
            item = account.items.get(bill.id)
            if item:
                item.unpaid -= amount
                item.fee -= fee
        for bill_id, item in list(account.items.items()):
            if not item.unpaid and cents(item.fee) == 0:
                del account.items[bill_id]
        self.movements.append(movement)

    def refuse_closed(self, drawer: int | None, today: date) -> None:
        if drawer is not None and (drawer, today) in self.closed:
            raise Refused

    def reverse(self, movement: Movement, by: int | None, today: date) -> Movement:
        if movement.kind in ("reversal", "credit") or movement.gone:
            raise Refused
        drawer = movement.drawer if movement.day == today and movement.drawer is not None else by
        self.refuse_closed(drawer, today)
        if movement.credit > movement.account.credit:
            raise Refused
        self.charge_up_to(movement.account, today)
        for bill, _, _ in movement.settled:
            if bill.id not in movement.account.items:
                late = today if bill.due < today else None
                movement.account.items[bill.id] = Item(ZERO, ZERO, late)
        movement.gone = True
        opposite = Movement(
            0, "reversal", movement.account, movement.method, today, drawer,
            received=-movement.received, waived=-movement.waived, credit=-movement.credit,
            settled=[(bill, -amount, -fee) for bill, amount, fee in movement.settled],
        )  # fmt: skip
        self.move(opposite)
        return opposite
