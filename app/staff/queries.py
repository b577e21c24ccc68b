"""Who works at the plant."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, text

from app import permissions
from app.db import db
from app.personal import phone_like
from app.staff.models import Setting, StaffUser

# Readings and payments come after staff: SQL, no import.
_TRACES = text("""
    SELECT EXISTS (SELECT FROM reading WHERE reader_id = :id OR recorded_by = :id)
        OR EXISTS (SELECT FROM payment WHERE cashier_id = :id)
        OR EXISTS (SELECT FROM day_close WHERE cashier_id = :id)
        OR EXISTS (SELECT FROM audit_entry WHERE by_id = :id AND entity <> 'staff_user')
""")


def logged_in(person_id: int) -> StaffUser | None:
    """Whoever has this number; with the person comes what the plant's roles may, so that no page asks for it again."""
    changes = select(Setting.value).where(Setting.key == permissions.SETTING).scalar_subquery()
    row = db.session.execute(select(StaffUser, changes).where(StaffUser.id == person_id)).one_or_none()
    if row is None:
        return None
    permissions.remember(row[1])
    person: StaffUser = row[0]
    return person


def has_traces(person_id: int) -> bool:
    """Whether records name the person, who therefore cannot be erased."""
    return bool(db.session.scalar(_TRACES, {"id": person_id}))


def lock_managers() -> list[int]:
    """Ids of the 站长 in office, their rows locked until the transaction ends."""
    query = select(StaffUser.id).where(StaffUser.role == "manager", StaffUser.active).order_by(StaffUser.id)
    return list(db.session.scalars(query.with_for_update()))


def matches(text: str) -> ColumnElement[bool]:
    """姓名, 用户名 or 手机号 contain the text; 手机号 as it may be seen."""
    columns = (StaffUser.name, StaffUser.username)
    named = (column.icontains(text, autoescape=True) for column in columns)
    return or_(*named, phone_like(StaffUser.mobile, text))


def reader(person_id: int) -> StaffUser | None:
    """The 抄表员 with this id."""
    found: StaffUser | None = db.session.scalar(
        select(StaffUser).where(StaffUser.id == person_id, StaffUser.role == "reader")
    )
    return found


def readers() -> list[tuple[int, str]]:
    """(id, 姓名) of the 抄表员 in office."""
    query = select(StaffUser.id, StaffUser.name).where(StaffUser.role == "reader", StaffUser.active)
    return [(key, name) for key, name in db.session.execute(query.order_by(StaffUser.id))]


def usernames() -> list[str]:
    """Everybody's login name."""
    return list(db.session.scalars(select(StaffUser.username)))
