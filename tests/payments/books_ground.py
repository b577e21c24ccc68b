"""Where the months of the books' model are played: the plant, its prices, and how long a story is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import hypothesis
from hypothesis import HealthCheck, Phase
from sqlalchemy import text

from app.db import db, transaction
from tenants.context import Tenant
from tenants.session import engine, quoted
from tests import factories as make
from tests.payments import counter
from tests.payments.books_model import ZERO, Rules

D = Decimal
START = date(2026, 2, 1)
MONEY_TABLES = (
    "bill", "billing_run", "open_item", "payment", "settlement", "posting", "ledger_entry", "day_close", "reading",
    "audit_entry", "setting", "summary", "customer_year",
)  # fmt: skip
STATE = text("""
    SELECT 'account', account, sum(amount), CAST(NULL AS numeric), CAST(NULL AS date) FROM posting GROUP BY account
    UNION ALL SELECT 'credit', CAST(id AS text), credit_balance, NULL, NULL FROM customer
    UNION ALL SELECT 'item', CAST(bill_id AS text), unpaid, late_fee, accrued_to FROM open_item
""")
HOME = Rules(
    tiers=((D(8), D("2.00")), (D(13), D("3.00")), (None, D("6.00"))), flat=ZERO,
    daily_rate=D("0.0005"), charged=False, cap=D(1), minimum=ZERO,
)  # fmt: skip
SHOP = Rules(((None, D("4.35")),), D("0.95"), daily_rate=D("0.02"), charged=True, cap=D("0.3"), minimum=D(2))
SHOP_FEE = {"due_day": 25, "grace_days": 0, "daily_rate": "0.02", "base": "charged", "cap": "0.3", "minimum": "2"}

METHODS = ("cash", "cash", "wechat")

# What happens how often, of a hundred.
HAPPENS = {
    "time_passes": 10, "read_and_bill": 12, "bill_again": 4, "undo_run": 4, "undo_bill": 4, "adjust": 10, "pay": 12,
    "pay_for_two": 5, "pay_from_prepayment": 4, "top_up": 9, "refund": 4, "auto_deduct": 6, "reverse": 9, "waive": 5,
    "close_the_day": 2,
}  # fmt: skip


def profile(*, examples: int, steps: int, derandomize: bool = True) -> hypothesis.settings:
    """How many stories of how many steps; the same ones each time unless a seed says which."""
    return hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )


class Ground:
    """The plant the months are played in: three accounts, two cashiers and a manager; made once, emptied for each."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        with transaction():
            plain = make.TIERED["charges"][0]
            make.tariff(charges=[plain])
            prices = {"水费": "4.35", "污水处理费": "0.95"}
            shop = [{"item": item, "basis": "volume", "price": price} for item, price in prices.items()]
            make.tariff(name="商户", use_category="非居民用水", charges=shop, late_fee=SHOP_FEE)
            kinds = ((HOME, make.RESIDENTIAL, True), (HOME, make.RESIDENTIAL, False), (SHOP, "非居民用水", True))
            self.people = []
            for number, (rules, category, auto) in enumerate(kinds):
                book = make.route(f"{number % 2}册").id
                person = make.customer(auto_deduct=auto, use_category_id=make.category_id(category), route_id=book)
                self.people.append((person.id, make.binding(person).id, book, rules, auto))
            self.cashiers = [counter.staff(), counter.staff()]
            self.manager = counter.staff("manager")

    def empty(self) -> None:
        """As on the first day."""
        db.session.remove()
        with engine().begin() as connection:
            connection.execute(text(f"SET LOCAL search_path = {quoted(self.tenant.schema)}"))
            for table in MONEY_TABLES:  # of a few hundred rows: TRUNCATE makes new files, which takes far longer
                connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text("UPDATE customer SET credit_balance = 0 WHERE credit_balance <> 0"))
        tables = ", ".join(f"{quoted(self.tenant.schema)}.{table}" for table in MONEY_TABLES)
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM (SKIP_DATABASE_STATS) {tables}"))
