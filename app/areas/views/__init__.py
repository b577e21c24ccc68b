"""区册管理, 抄表员管理, 抄表范围."""

from app.areas.views import books, readers, scope
from app.areas.views.blueprint import blueprint

__all__ = ["blueprint", "books", "readers", "scope"]
