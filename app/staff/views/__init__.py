"""Coming in, what a person changes about themselves, who works here, and how the plant works."""

from app.staff.views import door, me, people, policies, roles, second_step, support
from app.staff.views.blueprint import blueprint

__all__ = ["blueprint", "door", "me", "people", "policies", "roles", "second_step", "support"]
