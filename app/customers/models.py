"""Who is charged."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Key, Ref


class Customer(Base):
    """用户: one account. `credit_balance` (预存余额) is kept by app.payments alone and equals the sum of its payments' credit."""

    __tablename__ = "customer"
    __table_args__ = (
        CheckConstraint("credit_balance >= 0", name="credit_balance"),
        CheckConstraint("state IN ('active', 'closed')", name="state"),
        CheckConstraint("people >= 0", name="people"),
        Index(None, "route_id", "route_seq"),
        Index(None, "holder_initials"),
    )

    id: Mapped[Key]
    customer_no: Mapped[str] = mapped_column(unique=True)  # 户号
    holder: Mapped[str]  # 户名
    holder_initials: Mapped[str] = mapped_column(default="")  # 拼音首字母
    phone: Mapped[str] = mapped_column(default="")
    id_card: Mapped[str] = mapped_column(default="")  # 身份证
    address: Mapped[str] = mapped_column(default="")
    route_id: Mapped[Ref] = mapped_column(ForeignKey("route.id"))
    route_seq: Mapped[int] = mapped_column(default=0)  # 册内序号
    people: Mapped[int] = mapped_column(default=0)  # 人口
    use_category_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))  # 水表性质 of one without a meter
    charged_by_meter: Mapped[bool] = mapped_column(default=True)  # 是否抄表水费
    auto_deduct: Mapped[bool] = mapped_column(default=False)  # 自动扣费
    quota_id: Mapped[Ref | None] = mapped_column(ForeignKey("quota.id"))
    quota_units: Mapped[Decimal] = mapped_column(Numeric(12, 2), default=0)
    area: Mapped[Decimal] = mapped_column(Numeric(12, 2), default=0)  # m² or 亩, for charges by area
    state: Mapped[str] = mapped_column(default="active")
    opened_on: Mapped[date | None]  # None: before these records begin
    closed_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(default="")
    credit_balance: Mapped[Amount] = mapped_column(default=0)
