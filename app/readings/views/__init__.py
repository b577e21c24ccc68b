"""抄表记录: a module for each thing that is done; importing it puts its views on the blueprint."""

from __future__ import annotations

from app.readings.views import correction, entry, listing, one, review
from app.readings.views.base import blueprint

__all__ = ["blueprint", "correction", "entry", "listing", "one", "review"]
