"""Coming in, what a person changes about themselves, and who works here."""

from app.staff.views import door, me, people
from app.staff.views.blueprint import blueprint

__all__ = ["blueprint", "door", "me", "people"]
