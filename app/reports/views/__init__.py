"""水费报表统计: a module for each report; importing it puts its views on the blueprint."""

from __future__ import annotations

from app.reports.views import customers, readings, summary
from app.reports.views.base import blueprint

__all__ = ["blueprint", "customers", "readings", "summary"]
