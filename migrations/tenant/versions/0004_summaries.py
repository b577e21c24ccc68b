"""sum by day and by month, what is posted too, and by account and year; built anew at the next night

Revision: 0004 after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _sum(name: str, scale: int = 2) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(precision=14, scale=scale), server_default=sa.text("0"), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    op.drop_table("daily_summary")
    op.execute("DELETE FROM setting WHERE key = 'summary_marks'")
    op.create_table(
        "summary",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("monthly", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _count("count"),
        _sum("volume", 3),
        *(
            _sum(name)
            for name in ("amount", "received", "settled", "late_fee", "waived", "debit", "credit", "deducted")
        ),
        *(_count(name) for name in ("customers", "read", "held", "estimated")),
        sa.PrimaryKeyConstraint("kind", "monthly", "since", "route_id", "name", name=op.f("pk_summary")),
    )
    op.create_table(
        "customer_year",
        sa.Column("year", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.PrimaryKeyConstraint("year", "customer_id", name=op.f("pk_customer_year")),
    )
