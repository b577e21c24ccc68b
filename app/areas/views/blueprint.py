"""The slice's blueprint."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("areas", __name__, template_folder="../templates")
