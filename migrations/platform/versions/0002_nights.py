"""a plant's calendar, and nights that are planned before they run

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("deduct_day", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("planned_until", sa.Date(), nullable=True),
        sa.Column("night_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("households", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("plant", column, schema="platform")
    for name in ("deduct_day", "households"):
        op.alter_column("plant", name, server_default=None, schema="platform")
    op.add_column("plant_job", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True), schema="platform")
    op.create_index("ix_plant_job_business_date", "plant_job", ["business_date"], schema="platform")
    op.create_index(
        "ix_plant_job_undone",
        "plant_job",
        ["plant_id", "business_date"],
        schema="platform",
        postgresql_where=sa.text("state <> 'done'"),
    )
