"""What water costs, to whom, from when."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Key, Ref


class UseCategory(Base):
    """水表性质 (用水性质): 居民生活用水, 非居民用水, 特种行业用水, 农业灌溉用水 …"""

    __tablename__ = "use_category"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)


class Tariff(Base):
    """收费标准: a named standard. The default one of a use category serves every binding that names none itself."""

    __tablename__ = "tariff"
    __table_args__ = (
        CheckConstraint("applies_to IN ('metered', 'unmetered')", name="applies_to"),
        Index(
            "uq_tariff_default",
            "use_category_id",
            "applies_to",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    use_category_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))
    applies_to: Mapped[str]
    is_default: Mapped[bool]

    use_category: Mapped[UseCategory] = relationship()
    versions: Mapped[list[TariffVersion]] = relationship(
        order_by="TariffVersion.effective_from", back_populates="tariff", cascade="all, delete-orphan"
    )


class TariffVersion(Base):
    """收费标准的一个版本: the tariff file as it was given, in force from a day. Never changed once it has billed."""

    __tablename__ = "tariff_version"
    __table_args__ = (UniqueConstraint("tariff_id", "effective_from"),)

    id: Mapped[Key]
    tariff_id: Mapped[Ref] = mapped_column(ForeignKey("tariff.id"))
    effective_from: Mapped[date]
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    tariff: Mapped[Tariff] = relationship(back_populates="versions")


class Quota(Base):
    """定额: what a unit (person, bed, head, mu) may use per period at the plain price."""

    __tablename__ = "quota"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    use_category_id: Mapped[Ref] = mapped_column(ForeignKey("use_category.id"))
    name: Mapped[str]
    unit: Mapped[str]  # 立方米/人 …
    value: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    cycle: Mapped[str]  # 月, 年, 次
    note: Mapped[str] = mapped_column(default="")

    use_category: Mapped[UseCategory] = relationship()
