"""What customers owe, for lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, func, select

from app.billing.models import OpenItem


def unpaid_of(customer_id: Any) -> ColumnElement[Any]:
    """Yuan (without late fee) that the customer of this column owes; 0 for none. Worked out row by row."""
    query = select(func.sum(OpenItem.unpaid)).where(OpenItem.customer_id == customer_id)
    return func.coalesce(query.scalar_subquery(), 0)


def arrears_of_each(customer_id: Any) -> FromClause:
    """`unpaid` of the customer of this column, NULL for none: to be left-joined where few customers are looked at."""
    query = select(func.sum(OpenItem.unpaid).label("unpaid")).where(
        OpenItem.customer_id == customer_id, OpenItem.unpaid > 0
    )
    return query.lateral("arrears")
