"""Random months at a waterworks: whatever happens in whatever order, the books are what the plain model says."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text

from app import periods
from app.billing.service import issue_bills, reverse_bill, reverse_run
from app.db import db, transaction
from app.payments.models import Payment
from app.payments.service import late_fees
from app.payments.service.adjust_volume import adjust_volume
from app.payments.service.auto_deduct import deduct_prepayments
from app.payments.service.consolidated import take_consolidated
from app.payments.service.day_close import close_day, day_totals
from app.payments.service.refund import refund_credit
from app.payments.service.reverse_payment import reverse_payment
from app.payments.service.take_payment import take_payment, top_up
from app.payments.service.waive import waive_late_fee, waive_principal
from app.payments.verify import verify
from app.staff import settings
from tests.payments.books_desk import Desk
from tests.payments.books_ground import HAPPENS, METHODS, START, STATE, D, Ground
from tests.payments.books_model import ZERO, Account, Bill, Books, Refused, due_after

kinds = st.sampled_from([kind for kind, share in HAPPENS.items() for _ in range(share)])
picks = st.integers(0, 2**20 - 1)


class BooksMachine(Desk, RuleBasedStateMachine):
    """Each rule does one thing to the plant and to the model."""

    ground: Ground
    steps = 0
    outcomes: Counter[str]  # how often each rule was carried out, and how often refused by both

    @initialize(fee_first=st.booleans(), in_full=st.booleans())
    def first_day(self, fee_first: bool, in_full: bool) -> None:
        self.ground.empty()
        self.today = START
        self.fee_first, self.in_full = fee_first, in_full
        self.accounts = [Account(key, rules, auto) for key, _, _, rules, auto in self.ground.people]
        self.books = Books(self.accounts, fee_first=fee_first)
        self.periods: list[str] = []
        self.used: dict[tuple[int, str], int] = {}
        self.runs: list[tuple[int, list[Bill]]] = []
        with transaction():
            settings.put("payment_order", "late_fee_first" if fee_first else "principal_first")
            settings.put("deduct_policy", "only_in_full" if in_full else "take_what_is_there")

    @rule(kind=kinds, pick=picks, more=picks)
    def something_happens(self, kind: str, pick: int, more: int) -> None:
        type(self).steps += 1
        getattr(self, kind)(pick, more)

    # time

    def time_passes(self, pick: int, more: int) -> None:
        self.today += timedelta(days=(1, 1, 2, 7, 30)[pick % 5])
        if more % 2:
            self.both(lambda: late_fees.accrue(on=self.today), lambda _: self.books.accrue_all(self.today))

    # bills

    def read_and_bill(self, pick: int, more: int) -> None:
        period = periods.shift("2026-01", len(self.periods))
        self.periods.append(period)
        rows = []
        for n, (customer, binding, route, _, _) in enumerate(self.ground.people):
            volume = (pick >> 6 * n) % 64 % 45
            self.used[customer, period] = volume
            rows.append({"b": binding, "c": customer, "r": route, "p": period, "v": volume, "on": f"{period}-10"})
        with transaction():
            db.session.execute(
                text("""INSERT INTO reading (binding_id, customer_id, route_id, period, start_reading, end_reading,
                                             volume, read_on, kind, review, held_for, note, recorded_at)
                        VALUES (:b, :c, :r, :p, 0, :v, :v, :on, 'actual', 'accepted', '', '', '2026-01-01')"""),
                rows,
            )
        self.issue(period)

    def bill_again(self, pick: int, more: int) -> None:
        if self.periods:
            self.issue(self.periods[-1 - pick % len(self.periods[-4:])])

    def issue(self, period: str) -> None:
        def event(totals: Any) -> None:
            missing = [a for a in self.accounts if not self.books.standing_bill(a, period)]
            assert totals.bills == len(missing)
            rows = db.session.execute(
                text("SELECT id, customer_id, amount, volume, due_on FROM bill WHERE run_id = :run_id ORDER BY id"),
                {"run_id": totals.run_id},
            ).all()
            made = []
            for key, customer, amount, volume, due in rows:
                account = next(a for a in missing if a.id == customer)
                used = self.used[customer, period]
                assert (amount, volume, due) == (account.rules.price(used), used, due_after(self.today))
                made.append(Bill(key, account, period, amount, used, due))
                self.books.issue(made[-1])
            if made:
                self.runs.append((totals.run_id, made))

        self.both(lambda: issue_bills(period, on=self.today, by_id=None), event)

    def undo_run(self, pick: int, more: int) -> None:
        if not self.runs:
            return
        run_id, bills = self.runs[-1 - pick % len(self.runs[-2:])]
        self.both(lambda: reverse_run(run_id, by_id=None, reason="读数错"), lambda _: self.books.undo(bills))

    def undo_bill(self, pick: int, more: int) -> None:
        bill = self.late_bill(pick)
        if bill is None:
            return
        self.both(lambda: reverse_bill(bill.id, by_id=None, reason="读数错"), lambda _: self.books.undo([bill]))

    def late_bill(self, pick: int) -> Bill | None:
        """One of the last few bills."""
        last = list(self.books.bills.values())[-7:]
        return last[pick % len(last)] if last else None

    def adjust(self, pick: int, more: int) -> None:
        bill, volume = self.late_bill(pick), more % 46
        if bill is None:
            return

        def event(made: Any) -> None:
            amount, change = self.books.adjustment(bill, volume)
            due = due_after(self.today)
            assert (made.amount, made.volume, made.due_on) == (amount, change, due)
            self.books.adjust(Bill(made.id, bill.account, bill.period, amount, change, due, adjusts=bill), self.today)
            if amount < 0:
                self.books.movements[-1].id = db.session.scalar(text("SELECT max(id) FROM payment"))

        self.both(lambda: adjust_volume(bill.id, volume=D(volume), by_id=None, reason="抄错"), event)

    # money

    def pay(self, pick: int, more: int) -> None:
        account, cashier, method, keep = self.debtor(pick), self.cashier(more), METHODS[pick % 3], bool(more & 2)
        chosen = self.chosen(account, more >> 3)
        tendered = self.tendered([(account, chosen)], more >> 8)

        def event(payment: Any) -> None:
            self.books.refuse_closed(cashier, self.today)
            if not chosen or tendered <= 0:
                raise Refused
            self.books.charge_up_to(account, self.today)
            owed = self.books.owed(account, chosen)
            left = max(tendered - owed, ZERO)
            if left and not keep and method != "cash":
                raise Refused
            credit = left if keep else ZERO
            self.books.move(
                self.movement(
                    payment,
                    "payment",
                    account,
                    drawer=cashier,
                    received=min(tendered, owed) + credit,
                    credit=credit,
                    settled=self.books.spread(account, chosen, tendered),
                )
            )

        self.both(
            lambda: take_payment(
                account.id, bill_ids=chosen, method=method, tendered=tendered, keep_change=keep, by_id=cashier
            ),
            event,
        )

    def tendered(self, pays_for: list[tuple[Account, list[int]]], how: int) -> Decimal:
        """Money on the table. Late fees of today are not known yet: that is the same for a customer."""
        owed = sum((self.books.owed(account, chosen) for account, chosen in pays_for), ZERO)
        owed = D(int(owed * 100)) / 100
        return (owed, owed, D(int(owed * 50)) / 100, owed + D("17.35"), D("0.01"))[how % 5]

    def pay_for_two(self, pick: int, more: int) -> None:
        pair, cashier, method, keep = [self.debtor(pick)], self.cashier(more), METHODS[pick % 3], bool(more & 2)
        pair.append(next(a for a in self.accounts[::-1] if a not in pair))
        pays_for = [(account, self.chosen(account, more >> 3)) for account in pair]
        tendered = self.tendered(pays_for, more >> 8)

        def event(payments: Any) -> None:
            self.books.refuse_closed(cashier, self.today)
            if tendered <= 0 or not all(chosen for _, chosen in pays_for):
                raise Refused
            for account in pair:
                self.books.charge_up_to(account, self.today)
            over = max(tendered - sum((self.books.owed(*one) for one in pays_for), ZERO), ZERO)
            if over and not keep and method != "cash":
                raise Refused
            left, credit, made = tendered - over, over if keep else ZERO, list(payments)
            for account, chosen in pays_for:
                share = min(left, self.books.owed(account, chosen))
                if not share:
                    break
                left -= share
                self.books.move(
                    self.movement(
                        made.pop(0),
                        "payment",
                        account,
                        drawer=cashier,
                        received=share + credit,
                        credit=credit,
                        settled=self.books.spread(account, chosen, share),
                    )
                )
                credit = ZERO
            assert made == []

        self.both(
            lambda: take_consolidated(
                [(a.id, chosen) for a, chosen in pays_for],
                method=method,
                tendered=tendered,
                keep_change=keep,
                by_id=cashier,
            ),
            event,
        )

    def pay_from_prepayment(self, pick: int, more: int) -> None:
        account, cashier = self.debtor(pick), self.cashier(more)
        chosen = self.chosen(account, more >> 3)

        def event(payment: Any) -> None:
            self.books.refuse_closed(cashier, self.today)
            if not chosen or not account.credit:
                raise Refused
            self.books.charge_up_to(account, self.today)
            money = min(account.credit, self.books.owed(account, chosen))
            settled = self.books.spread(account, chosen, money)
            self.books.move(self.movement(payment, "payment", account, drawer=cashier, credit=-money, settled=settled))

        self.both(
            lambda: take_payment(
                account.id, bill_ids=chosen, method="prepaid", tendered=ZERO, keep_change=False, by_id=cashier
            ),
            event,
        )

    def top_up(self, pick: int, more: int) -> None:
        account, cashier, method = self.account(pick), self.cashier(more), METHODS[pick % 3]
        amount = D(1 + more % 12_000) / 100

        def event(payment: Any) -> None:
            self.books.refuse_closed(cashier, self.today)
            self.books.move(self.movement(payment, "top_up", account, drawer=cashier, received=amount, credit=amount))

        self.both(lambda: top_up(account.id, amount=amount, method=method, by_id=cashier), event)

    def refund(self, pick: int, more: int) -> None:
        cashier, method = self.cashier(more), METHODS[pick % 3]
        account = max(self.accounts, key=lambda a: a.credit) if pick % 8 else self.account(pick)
        amount = D(1 + more % 12_000) / 100
        wanted = min(amount, account.credit) if more % 4 else amount

        def event(payment: Any) -> None:
            self.books.refuse_closed(cashier, self.today)
            if not 0 < wanted <= account.credit:
                raise Refused
            self.books.move(self.movement(payment, "refund", account, drawer=cashier, received=-wanted, credit=-wanted))

        self.both(lambda: refund_credit(account.id, amount=wanted, method=method, by_id=cashier, reason="退"), event)

    def auto_deduct(self, pick: int, more: int) -> None:
        which = self.account(pick) if more % 3 == 0 else None

        def event(_: object) -> None:
            made = {}
            for account in self.accounts if which is None else [which]:
                if account.auto and account.credit and account.items:
                    self.books.accrue(account, self.today)
                    settled = self.deduction(account)
                    if settled:
                        made[account.id] = (account, settled)
            rows = db.session.scalars(
                text("SELECT id FROM payment WHERE kind = 'auto_deduct' AND id > :last ORDER BY customer_id"),
                {"last": max((m.id for m in self.books.movements), default=0)},
            ).all()
            for key, (_, (account, settled)) in zip(rows, sorted(made.items()), strict=True):
                payment = db.session.get_one(Payment, key)
                taken = sum((amount + fee for _, amount, fee in settled), ZERO)
                self.books.move(self.movement(payment, "auto_deduct", account, credit=-taken, settled=settled))

        self.both(lambda: deduct_prepayments(on=self.today, customer_id=which.id if which else None), event)

    def deduction(self, account: Account) -> list[tuple[Bill, Decimal, Decimal]]:
        """Oldest first, until the prepayment ends; whole bills only where the policy says so."""
        money, settled = account.credit, []
        for bill_id in sorted(account.items, key=lambda b: (self.books.bills[b].period, b)):
            item = account.items[bill_id]
            owed = item.unpaid + self.books.rounded(item.fee)
            if money <= 0 or (self.in_full and owed > money):
                break
            kept = item.fee
            item.fee = self.books.rounded(item.fee)
            part = self.books.spread(account, [bill_id], min(money, owed))
            money -= sum((amount + fee for _, amount, fee in part), ZERO)
            if not part:
                item.fee = kept
            settled += part
        return settled

    def reverse(self, pick: int, more: int) -> None:
        if not self.books.movements:
            return
        movement, cashier = self.books.movements[-1 - pick % len(self.books.movements[-8:])], self.cashier(more)

        def event(reversal: Any) -> None:
            opposite = self.books.reverse(movement, cashier, self.today)
            opposite.id = reversal.id
            assert (reversal.received, reversal.credit_delta) == (opposite.received, opposite.credit)
            assert reversal.cashier_id == opposite.drawer

        self.both(lambda: reverse_payment(movement.id, by_id=cashier, reason="收错"), event)

    def waive(self, pick: int, more: int) -> None:
        account, manager = self.debtor(pick), self.ground.manager
        chosen, share = self.chosen(account, more >> 3), 1 + more % 8 % 5
        fees = any(account.items[key].fee for key in chosen) and pick % 4 > 0
        wanted = {}
        for key in chosen:
            item = account.items[key]
            wanted[key] = self.books.rounded((item.fee if fees else item.unpaid) * share / 4)

        def event(payment: Any) -> None:
            self.books.charge_up_to(account, self.today)
            most = {key: account.items[key].fee if fees else account.items[key].unpaid for key in chosen}
            if not wanted or any(not 0 < amount <= most[key] for key, amount in wanted.items()):
                raise Refused
            settled = [
                (self.books.bills[key], ZERO, amount) if fees else (self.books.bills[key], amount, ZERO)
                for key, amount in wanted.items()
            ]
            waived = sum(wanted.values(), ZERO)
            self.books.move(self.movement(payment, "waiver", account, drawer=manager, waived=waived, settled=settled))

        service = waive_late_fee if fees else waive_principal
        self.both(
            lambda: service(account.id, amounts=wanted, by_id=manager, approved_by_id=manager, reason="困难户"), event
        )

    def close_the_day(self, pick: int, more: int) -> None:
        cashier = self.cashier(pick)
        expected = self.books.drawer(cashier, self.today)

        def event(close: Any) -> None:
            if (cashier, self.today) in self.books.closed:
                raise Refused
            self.books.closed.add((cashier, self.today))
            assert {m: D(amount) for m, amount in close.expected.items()} == expected

        def real() -> Any:
            assert {m: t.received for m, t in day_totals(cashier, self.today).items()} == expected
            counted = {method: max(amount, ZERO) for method, amount in expected.items()}
            return close_day(cashier_id=cashier, day=self.today, counted=counted, by_id=cashier)

        self.both(real, event)

    # what holds after every step

    @invariant()
    def books_are_right(self) -> None:
        if not hasattr(self, "books"):
            return
        assert verify() == []
        found: dict[str, dict[Any, Any]] = {"account": {}, "credit": {}, "item": {}}
        for kind, key, *values in db.session.execute(STATE):
            found[kind][key if kind == "account" else int(key)] = tuple(values)
        db.session.rollback()
        accounts = {key: amount for key, (amount, _, _) in found["account"].items() if amount}
        assert sum(accounts.values(), ZERO) == 0
        revenue = sum((accounts.pop(key) for key in list(accounts) if key.startswith("revenue:")), ZERO)
        assert -revenue == sum((bill.amount for bill in self.books.bills.values() if not bill.gone), ZERO)
        assert accounts == self.books.ledger()
        assert found["credit"] == {a.id: (a.credit, None, None) for a in self.accounts}
        assert all(a.credit >= 0 for a in self.accounts)
        items = {key: item for a in self.accounts for key, item in a.items.items()}
        assert found["item"] == {key: (item.unpaid, item.fee, item.accrued_to) for key, item in items.items()}
