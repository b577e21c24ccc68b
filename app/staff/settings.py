"""The plant's policies, with what is in force where nothing is set."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app import permissions
from app.db import db
from app.staff.models import Setting

DEFAULTS: dict[str, Any] = {
    "high_volume": "100",  # m³ a month above which a reading without history is held for review
    "high_factor": "3",  # times the mean of the last three, above which one with history is held
    "deduct_policy": "take_what_is_there",  # or only_in_full
    "payment_order": "late_fee_first",  # or principal_first
    "split_by": "reading_date",  # a window that a price change falls into; or days
    "estimate_from": 3,  # readings that an estimate averages
    "summary_marks": None,
    "receipt_paper": "a5",  # or roll (80 mm)
    "pay_at": "",  # where a 催缴通知单 sends people; the window of the plant where nothing is set
    "seeded": False,
    permissions.SETTING: {},  # what roles may otherwise than usual: app.permissions
}


_SEVERAL = text("SELECT key, value FROM setting WHERE key = ANY(:keys)")


def get(key: str) -> Any:
    """One policy in force."""
    stored = db.session.get(Setting, key)
    return stored.value if stored else DEFAULTS[key]


def several(*keys: str) -> list[Any]:
    """Policies in force, in this order, looked up together."""
    stored: dict[str, Any] = dict(db.session.execute(_SEVERAL, {"keys": list(keys)}).all())
    return [stored.get(key, DEFAULTS[key]) for key in keys]


def decimal(key: str) -> Decimal:
    """One policy that is a number."""
    return Decimal(str(get(key)))


def put(key: str, value: Any) -> None:
    """Set one policy."""
    db.session.execute(
        insert(Setting)
        .values(key=key, value=value)
        .on_conflict_do_update(index_elements=["key"], set_={"value": value})
    )
