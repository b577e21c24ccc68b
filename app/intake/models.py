"""Workbooks on their way in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Key, Ref


class ImportJob(Base):
    """导入: an uploaded workbook between preview and confirmation, and what became of it; also a file that a worker makes."""

    __tablename__ = "import_job"
    __table_args__ = (CheckConstraint("state IN ('uploaded', 'previewed', 'running', 'done', 'failed')", name="state"),)

    id: Mapped[Key]
    kind: Mapped[str]  # customers, readings, meters, quotas; file: app.web.files
    filename: Mapped[str]
    options: Mapped[dict[str, Any]]
    content: Mapped[bytes | None]  # dropped when done
    state: Mapped[str]
    progress: Mapped[int] = mapped_column(default=0)  # rows
    result: Mapped[dict[str, Any] | None]
    by_id: Mapped[Ref | None]
    at: Mapped[datetime]
