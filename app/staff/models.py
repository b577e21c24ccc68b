"""Who works at the plant, and the plant's own settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_login import UserMixin
from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Key
from tenants.entry.second_step import SecondStep


class StaffUser(UserMixin, SecondStep, Base):  # type: ignore[misc]
    """员工账号. A 抄表员 (Reader) is one with role `reader`."""

    __tablename__ = "staff_user"
    __table_args__ = (CheckConstraint("role IN ('manager', 'cashier', 'reader', 'accountant', 'clerk')", name="role"),)

    id: Mapped[Key]
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    name: Mapped[str]  # 姓名 / 昵称
    mobile: Mapped[str] = mapped_column(default="")
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]

    @property
    def is_active(self) -> bool:  # Flask-Login's word for it
        return self.active


class Setting(Base):
    """参数: one named value of the plant (policies, counters)."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
