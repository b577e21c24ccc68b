"""The edge: hosts, error pages, template helpers, and the mechanisms every page shares."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

from app.web import errors, headers, host, template_helpers


class KeyConverter(IntegerConverter):
    """A number in an address that fits a key's column; a longer one is no page, not an error of the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max", 2**63 - 1)
        super().__init__(*args, **kwargs)


def init(app: Flask) -> None:
    """Register what every page needs."""
    app.url_map.converters["int"] = KeyConverter
    headers.init(app)
    host.init(app)
    errors.init(app)
    template_helpers.init(app)
