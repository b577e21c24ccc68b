"""What measures, and whose use it measures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Key, Ref, Volume


class Meter(Base):
    """水表. `dial_modulus` (量程 + 1) is where the dial starts again at 0: 100000 for five digits."""

    __tablename__ = "meter"
    __table_args__ = (
        CheckConstraint("initial_reading >= 0 AND initial_reading < dial_modulus", name="initial_reading"),
        CheckConstraint("state IN ('in_use', 'stopped', 'retired')", name="state"),
    )

    id: Mapped[Key]
    meter_no: Mapped[str] = mapped_column(unique=True)  # 表号
    bore: Mapped[str] = mapped_column(default="")  # 口径
    meter_type: Mapped[str] = mapped_column(default="")  # 水表类型
    maker: Mapped[str] = mapped_column(default="")  # 厂家
    installed_on: Mapped[date | None]
    dial_modulus: Mapped[Volume] = mapped_column(default=100000)
    initial_reading: Mapped[Volume] = mapped_column(default=0)  # 底数
    state: Mapped[str] = mapped_column(default="in_use")
    master_meter_id: Mapped[Ref | None] = mapped_column(ForeignKey("meter.id"))  # 总表
    note: Mapped[str] = mapped_column(default="")


class MeterBinding(Base):
    """绑定: a meter serves a customer from one day to another. `use_category_id` is the 水表性质 in force now."""

    __tablename__ = "meter_binding"
    __table_args__ = (
        Index("uq_meter_binding_open", "meter_id", unique=True, postgresql_where=text("unbound_on IS NULL")),
        Index(None, "customer_id"),
    )

    id: Mapped[Key]
    meter_id: Mapped[Ref] = mapped_column(ForeignKey("meter.id"))
    customer_id: Mapped[Ref] = mapped_column(ForeignKey("customer.id"))
    use_category_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))
    bound_on: Mapped[date]
    unbound_on: Mapped[date | None]
    start_reading: Mapped[Volume]
    end_reading: Mapped[Volume | None]
    carried_volume: Mapped[Volume] = mapped_column(
        default=0
    )  # m³ of the meter before (换表), billed with the first reading
    replaces_id: Mapped[Ref | None]  # 换表: the binding whose use goes on here, for tiers and months
    mix: Mapped[list[Any] | None]  # 混合用水: [{"tariff_id": 3, "share": "0.1"}, …]

    meter: Mapped[Meter] = relationship()


class UseCategoryChange(Base):
    """水表性质变更: from `effective_from` on the binding is of another use category."""

    __tablename__ = "use_category_change"
    __table_args__ = (Index(None, "binding_id", "effective_from"),)

    id: Mapped[Key]
    binding_id: Mapped[Ref] = mapped_column(ForeignKey("meter_binding.id"))
    effective_from: Mapped[date]
    old_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))
    new_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))
    reason: Mapped[str] = mapped_column(default="")
    by_id: Mapped[Ref | None]
    at: Mapped[datetime]


class Suspension(Base):
    """停表 from a day to its 恢复: neither read nor billed in between."""

    __tablename__ = "suspension"
    __table_args__ = (
        Index("uq_suspension_open", "meter_id", unique=True, postgresql_where=text("resumed_on IS NULL")),
    )

    id: Mapped[Key]
    meter_id: Mapped[Ref] = mapped_column(ForeignKey("meter.id"))
    stopped_on: Mapped[date]
    stop_reading: Mapped[Volume]
    until: Mapped[date | None]  # the night of this day resumes it by itself
    resumed_on: Mapped[date | None]
    resume_reading: Mapped[Volume | None]
    reason: Mapped[str] = mapped_column(default="")
    by_id: Mapped[Ref | None]
    at: Mapped[datetime]
