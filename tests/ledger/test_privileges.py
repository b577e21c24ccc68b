"""What is posted stays: the plant's own role cannot change it, whatever SQL somebody smuggles in."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.db import db, transaction
from app.payments.service.reverse_payment import reverse_payment
from tenants.context import Tenant
from tenants.roles import POSTED_TABLES
from tests.payments import counter

CHANGES = (
    "UPDATE {table} SET {column} = {column}",
    "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE FROM {table}",
    "DELETE FROM {table} WHERE false",
    "TRUNCATE {table}",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET {column} = excluded.{column}",
    "WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
    "ALTER TABLE {table} ADD COLUMN more text",
    "DROP TABLE {table}",
)


@pytest.fixture
def posted(plant: Tenant) -> Tenant:
    """Every posted table has rows."""
    customer, bills = counter.billed(10)
    payment = counter.pay(customer, bills, "33.50")
    with transaction():
        reverse_payment(payment.id, by_id=None, reason="收错")
    return plant


@pytest.mark.parametrize("table", POSTED_TABLES)
def test_a_posted_table_takes_rows_and_gives_none_back(posted: Tenant, table: str) -> None:
    assert db.session.scalar(text(f"SELECT count(*) FROM {table}"))
    db.session.rollback()
    key = "payment_id, bill_id" if table == "settlement" else "id"
    for change in CHANGES:
        statement = change.format(table=table, column=key.split(",")[0], key=key)
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            db.session.execute(text(statement))
        db.session.rollback()
    counter.books()


def test_money_s_tables_are_the_posted_ones() -> None:
    assert set(POSTED_TABLES) == {
        "audit_entry", "bill", "billing_run", "ledger_entry", "payment", "posting", "settlement",
    }  # fmt: skip


def test_the_rights_are_the_role_s_not_the_code_s_good_manners(posted: Tenant) -> None:
    for table in POSTED_TABLES:  # a warning, and no right
        db.session.execute(text(f"GRANT UPDATE ON {table} TO {posted.role}"))
    rows = db.session.execute(
        text("""SELECT table_name, privilege_type FROM information_schema.role_table_grants
                WHERE grantee = :role AND table_schema = :schema"""),
        {"role": posted.role, "schema": posted.schema},
    ).all()
    for table in POSTED_TABLES:
        assert {privilege for name, privilege in rows if name == table} == {"SELECT", "INSERT"}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('role', 'none', true)",
        "SELECT set_config('role', 'qingqu', true)",
        "SELECT set_config('search_path', '{other}', true)",
        "SELECT amount FROM {other}.bill",
        "SELECT 1 WHERE EXISTS (SELECT FROM {other}.payment)",
        "INSERT INTO {other}.settlement VALUES (1, 1, 1, 0)",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_a_query_reaches_neither_the_neighbour_s_books_nor_another_role(
    posted: Tenant, neighbour: Tenant, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement.format(other=neighbour.schema)))
    db.session.rollback()
    assert db.session.scalar(text("SELECT current_user")) == posted.role
