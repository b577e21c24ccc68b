"""a second step after the password, for who wants one

Revision: 0005 after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for column in (
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("recovery_codes", postgresql.JSONB(none_as_null=True), nullable=True),
    ):
        op.add_column("staff_user", column)
