"""How a step of the books' model is carried out at the plant and in the model, and who it happens to."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.db import transaction
from app.errors import DomainError
from app.payments.models import Payment
from tests.payments.books_ground import Ground
from tests.payments.books_model import ZERO, Account, Books, Movement, Refused


class Desk:
    """The plant and the model side by side."""

    ground: Ground
    outcomes: Counter[str]
    today: date
    books: Books
    accounts: list[Account]

    def both(self, real: Callable[[], Any], event: Callable[[Any], object]) -> None:
        """Do it at the plant and in the model; where one refuses the other does."""
        name = sys._getframe(1).f_code.co_name
        try:
            with clock.at(datetime.combine(self.today, datetime.min.time(), UTC) + timedelta(hours=4)), transaction():
                result = real()
        except DomainError:
            self.outcomes[f"{name} refused"] += 1
            with self.books.as_if_nothing_happened(), pytest.raises(Refused):
                event(None)
        else:
            self.outcomes[name] += 1
            event(result)

    def account(self, pick: int) -> Account:
        return self.accounts[pick % len(self.accounts)]

    def debtor(self, pick: int) -> Account:
        """Somebody who owes, where anybody does."""
        owing = [a for a in self.accounts if a.items] or self.accounts
        return owing[pick % len(owing)]

    def cashier(self, pick: int) -> int:
        return self.ground.cashiers[pick % 2]

    def chosen(self, account: Account, pick: int) -> list[int]:
        return [bill for n, bill in enumerate(sorted(account.items)) if pick >> n & 1 or pick % 7 == 0]

    def movement(self, payment: Payment, kind: str, account: Account, **values: Any) -> Movement:
        """What the plant wrote, as the model has it."""
        given = {"method": payment.method, "drawer": None} | values
        made = Movement(payment.id, kind, account, day=self.today, **given)
        assert (payment.received, payment.waived, payment.credit_delta) == (made.received, made.waived, made.credit)
        assert payment.settled == sum((s[1] for s in made.settled), ZERO)
        assert payment.late_fee == sum((s[2] for s in made.settled), ZERO)
        return made
