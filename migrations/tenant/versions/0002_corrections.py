"""find a period's corrections among its many bills

Revision: 0002 after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_bill_corrections", "bill", ["period"], postgresql_where=sa.text("kind <> 'regular'"))
