"""The blueprint that the operator's pages are put on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("console", __name__, template_folder="templates", url_prefix="/console")
