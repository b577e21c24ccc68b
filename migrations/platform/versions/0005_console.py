"""the operator's desk: roles, why a plant is shut, support access, and a log of what operators do

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table, column in (
        ("plant", sa.Column("state_reason", sa.String(), nullable=False, server_default="")),
        ("plant", sa.Column("state_since", sa.DateTime(timezone=True), nullable=True)),
        ("operator", sa.Column("role", sa.String(), nullable=False, server_default="owner")),
        ("operator", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default="false")),
    ):
        op.add_column(table, column, schema="platform")
    op.create_check_constraint(op.f("ck_operator_role"), "operator", "role IN ('owner', 'support')", schema="platform")
    op.create_table(
        "operator_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("plant_id", sa.Integer(), nullable=True),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_log")),
        schema="platform",
    )
    op.create_index(op.f("ix_operator_log_at"), "operator_log", ["at"], schema="platform")
    op.create_index(op.f("ix_operator_log_plant_id"), "operator_log", ["plant_id"], schema="platform")
    op.create_table(
        "support_access",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("plant_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["platform.operator.id"], name=op.f("fk_support_access_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_access")),
        sa.UniqueConstraint("ticket", name=op.f("uq_support_access_ticket")),
        schema="platform",
    )
    op.create_index(op.f("ix_support_access_plant_id"), "support_access", ["plant_id"], schema="platform")
