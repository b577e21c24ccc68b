"""The registry: every plant, its jobs and the operators, in schema `platform`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tenants.entry.second_step import SecondStep

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

PLANT_STATES = ("active", "suspended", "archived")


class PlatformBase(DeclarativeBase):
    """Tables of the operator; never joined with a plant's."""

    metadata = MetaData(schema="platform", naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), str: String, dict[str, Any]: JSONB}


class Plant(PlatformBase):
    """水厂: one tenant."""

    __tablename__ = "plant"
    __table_args__ = (CheckConstraint("state IN ('active', 'suspended', 'archived')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    county: Mapped[str] = mapped_column(default="")
    domain: Mapped[str | None] = mapped_column(unique=True)  # a host name of its own
    schema_name: Mapped[str] = mapped_column(unique=True)
    role_name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="active")
    state_reason: Mapped[str] = mapped_column(default="", server_default="")  # why it is shut, as its people read it
    state_since: Mapped[datetime | None]  # when it was shut or opened again
    revision: Mapped[str]  # of the tenant migration tree
    timezone: Mapped[str] = mapped_column(default="Asia/Shanghai")
    bill_day: Mapped[int] = mapped_column(default=1)  # 账单日: on this day last month is billed
    deduct_day: Mapped[int] = mapped_column(default=0)  # 自动扣费日 of each month; 0: every night
    planned_until: Mapped[date | None]  # the last business date whose night is planned
    night_sent_at: Mapped[datetime | None]  # when a worker was last told of its nights
    households: Mapped[int] = mapped_column(default=0)  # as the last night counted them: the large plants go first
    exported_at: Mapped[datetime | None]  # the moment that the last export shows
    created_at: Mapped[datetime]


class PlantJob(PlatformBase):
    """夜间任务: one row per plant, kind and business date, so that nothing runs twice."""

    __tablename__ = "plant_job"
    __table_args__ = (
        UniqueConstraint("plant_id", "business_date", "kind"),
        Index(None, "business_date"),
        # What is not done yet: few rows, asked for every minute.
        Index("ix_plant_job_undone", "plant_id", "business_date", postgresql_where=text("state <> 'done'")),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plant_id: Mapped[int] = mapped_column(ForeignKey("platform.plant.id"))
    business_date: Mapped[date]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None]


class PlantMonth(PlatformBase):
    """水厂月汇总: a plant's bills of a period in sums (m³, yuan), as its last night found them."""

    __tablename__ = "plant_month"

    plant_id: Mapped[int] = mapped_column(ForeignKey("platform.plant.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    bills: Mapped[int]
    volume: Mapped[Decimal] = mapped_column(Numeric(16, 3))
    due: Mapped[Decimal] = mapped_column(Numeric(16, 2))
    unpaid: Mapped[Decimal] = mapped_column(Numeric(16, 2))


class Operator(SecondStep, PlatformBase):
    """平台运营人员: opens villages, and sees their customers only on a support access that the plant's log names."""

    __tablename__ = "operator"
    __table_args__ = (CheckConstraint("role IN ('owner', 'support')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="owner", server_default="owner")
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default="false")
    created_at: Mapped[datetime]


class OperatorLog(PlatformBase):
    """运营日志: who did what to which plant, from where. Rows are added, and never changed.

    Names are written out: the line outlives the plant and the operator that it tells of.
    """

    __tablename__ = "operator_log"
    __table_args__ = (Index(None, "at"), Index(None, "plant_id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    operator_id: Mapped[int | None]
    operator: Mapped[str]
    action: Mapped[str]  # a key of operator_log.ACTIONS
    plant_id: Mapped[int | None]
    plant: Mapped[str] = mapped_column(default="")
    what: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")


class SupportAccess(PlatformBase):
    """技术支持: an operator looks into a plant, for a reason and a time. Open from the use of its ticket to `until`."""

    __tablename__ = "support_access"
    __table_args__ = (Index(None, "plant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket: Mapped[str] = mapped_column(unique=True)  # its hash
    operator_id: Mapped[int] = mapped_column(ForeignKey("platform.operator.id"))
    plant_id: Mapped[int]
    reason: Mapped[str]
    minutes: Mapped[int]
    issued_at: Mapped[datetime]
    until: Mapped[datetime | None]  # set when the ticket is used, which it is once
    ended_at: Mapped[datetime | None]  # when the plant's log was told of the end
