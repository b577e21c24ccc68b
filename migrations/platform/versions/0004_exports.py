"""when a plant was exported last

Revision: 0004 after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("plant", sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True), schema="platform")
