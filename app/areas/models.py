"""Where people live, in the order a reader walks."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Key, Ref


class District(Base):
    """区."""

    __tablename__ = "district"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)


class Route(Base):
    """册: one reading book. It has one reader at a time (抄表范围)."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("district_id", "name"),)

    id: Mapped[Key]
    district_id: Mapped[Ref] = mapped_column(ForeignKey("district.id"))
    name: Mapped[str]
    reader_id: Mapped[Ref | None] = mapped_column(ForeignKey("staff_user.id"))

    district: Mapped[District] = relationship()
