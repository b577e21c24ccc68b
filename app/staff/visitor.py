"""An operator on a support access, as the plant's pages see whoever is logged in."""

from __future__ import annotations

from flask_login import UserMixin

from app.permissions import SUPPORT
from tenants.support import Access

KEY = "0"  # what the session remembers; nobody of the staff has this number


class Visitor(UserMixin):  # type: ignore[misc]
    """运营人员: looks, and is nobody of the plant's staff."""

    must_change_password = two_steps = False
    role = SUPPORT
    username = mobile = ""

    def __init__(self, access: Access) -> None:
        self.id = int(KEY)
        self.name = f"运营人员 {access.operator}"

    def get_id(self) -> str:
        """Nobody's number."""
        return KEY
