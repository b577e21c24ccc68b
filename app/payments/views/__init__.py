"""缴费管理: a module for each page or two; importing it puts its views on the blueprint."""

from __future__ import annotations

from app.payments.views import corrections, counter, days, orders, owing, printing, together
from app.payments.views.blueprint import blueprint

__all__ = ["blueprint", "corrections", "counter", "days", "orders", "owing", "printing", "together"]
