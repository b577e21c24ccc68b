"""定额管理 and 水费收费标准: a module for each page or two; importing it puts its views on the blueprint."""

from __future__ import annotations

from app.tariffs.views import editor, files, quotas, standards
from app.tariffs.views.blueprint import blueprint

__all__ = ["blueprint", "editor", "files", "quotas", "standards"]
