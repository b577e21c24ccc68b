"""What is summed once at night, so that no report sums it again. Empty at any time: then reports sum the records."""

from __future__ import annotations

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Amount, Base, Ref, Volume

ZERO = text("0")


class Summary(Base):
    """汇总: sums of a book, or (`route_id` 0) of the plant, over a day, or (`monthly`, under its first day) over a month.

    | kind    | of             | name        | sums                                                        |
    |---------|----------------|-------------|-------------------------------------------------------------|
    | bill    | day and month  |             | count, volume, amount                                       |
    | payment | day and month  | method      | count, received … credit                                    |
    | posting | day and month  | account     | debit, credit; by day of the plant only                     |
    | period  | month as 账期   |             | customers, count (bills), volume, amount, settled, deducted |
    | reading | month as 账期   | reader's id | count (meters), read, held, estimated, volume               |

    m³ and yuan. The first four only ever grow: what they count is append-only. The last two are of books alone. `reading`
    is of closed months; whoever changes a reading of one takes the month's rows away.
    """

    __tablename__ = "summary"

    kind: Mapped[str] = mapped_column(primary_key=True)
    monthly: Mapped[bool] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    route_id: Mapped[Ref] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(server_default=ZERO)
    volume: Mapped[Volume] = mapped_column(server_default=ZERO)
    amount: Mapped[Amount] = mapped_column(server_default=ZERO)
    received: Mapped[Amount] = mapped_column(server_default=ZERO)
    settled: Mapped[Amount] = mapped_column(server_default=ZERO)
    late_fee: Mapped[Amount] = mapped_column(server_default=ZERO)
    waived: Mapped[Amount] = mapped_column(server_default=ZERO)
    debit: Mapped[Amount] = mapped_column(server_default=ZERO)
    credit: Mapped[Amount] = mapped_column(server_default=ZERO)
    deducted: Mapped[Amount] = mapped_column(server_default=ZERO)
    customers: Mapped[int] = mapped_column(server_default=ZERO)
    read: Mapped[int] = mapped_column(server_default=ZERO)
    held: Mapped[int] = mapped_column(server_default=ZERO)
    estimated: Mapped[int] = mapped_column(server_default=ZERO)


class CustomerYear(Base):
    """户年汇总: m³ and yuan billed to an account for the periods of a year ('2026')."""

    __tablename__ = "customer_year"

    year: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[Ref] = mapped_column(primary_key=True)
    volume: Mapped[Volume]
    amount: Mapped[Amount]
