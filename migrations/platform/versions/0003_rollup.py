"""sums of all plants by month, for the operator

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "plant_month",
        sa.Column("plant_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("bills", sa.Integer(), nullable=False),
        sa.Column("volume", sa.Numeric(16, 3), nullable=False),
        sa.Column("due", sa.Numeric(16, 2), nullable=False),
        sa.Column("unpaid", sa.Numeric(16, 2), nullable=False),
        sa.ForeignKeyConstraint(["plant_id"], ["platform.plant.id"], name=op.f("fk_plant_month_plant_id")),
        sa.PrimaryKeyConstraint("plant_id", "period", name=op.f("pk_plant_month")),
        schema="platform",
    )
