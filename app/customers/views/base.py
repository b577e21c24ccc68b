"""The blueprint that every view of customers belongs to."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("customers", __name__, template_folder="../templates")
