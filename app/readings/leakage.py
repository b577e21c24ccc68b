"""漏损: what a master meter measured and the meters behind it did not."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app.db import db

_LEAKAGE = text("""
    SELECT sum(r.volume) FILTER (WHERE m.id = :meter_id), coalesce(sum(r.volume) FILTER (WHERE m.id <> :meter_id), 0),
           count(DISTINCT m.id) FILTER (WHERE m.id <> :meter_id),
           count(DISTINCT m.id) FILTER (WHERE m.id <> :meter_id AND r.volume IS NOT NULL)
    FROM meter m
    LEFT JOIN meter_binding b ON b.meter_id = m.id
    LEFT JOIN reading r ON r.binding_id = b.id AND r.period = :period AND r.review = 'accepted' AND r.kind <> 'unread'
    WHERE m.id = :meter_id OR m.master_meter_id = :meter_id
""")


class Leakage(NamedTuple):
    """m³ of the master meter (None: not read) and of the meters behind it; how many there are and were read.

    `share`: (master − subs) / master to 0.0001, below zero where the subs say more; None without a master volume.
    """

    master: Decimal | None
    subs: Decimal
    meters: int
    read: int
    share: Decimal | None


def leakage(master_meter_id: int, period: str) -> Leakage:
    """漏损率 of a period, by the accepted readings; `read` below `meters` says that it is not the whole truth yet."""
    row = db.session.execute(_LEAKAGE, {"meter_id": master_meter_id, "period": period}).one()
    master, subs, meters, read = row
    share = round((master - subs) / master, 4) if master else None
    return Leakage(master, subs, meters, read, share)
