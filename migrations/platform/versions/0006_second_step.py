"""a second step after the password, for who wants one

Revision: 0006 after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for column in (
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("recovery_codes", postgresql.JSONB(none_as_null=True), nullable=True),
    ):
        op.add_column("operator", column, schema="platform")
