"""The one blueprint of this slice."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("tariffs", __name__, template_folder="../templates")
