"""水表管理: a module for each kind of page; importing it puts its views on the blueprint."""

from __future__ import annotations

from app.metering.views import bindings, pages, records, stops
from app.metering.views.blueprint import blueprint

__all__ = ["bindings", "blueprint", "pages", "records", "stops"]
