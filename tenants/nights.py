"""Which plants have a night to be worked off: planned by each plant's own calendar, told to the workers, large ones first.

The registry is what counts. A message is only a nudge: where one is lost, the plant is told of again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import text

from tenants.session import platform

PLAN_LOCK = 71004
KINDS = ("resume", "bills", "late_fees", "auto_deduct", "reports")  # 停用到期, 出账, 违约金, 自动扣费, 报表缓存

# A night begins half an hour after midnight in the plant's own time zone, and has the date that has just begun.
_DUE = text("""
    CREATE TEMPORARY TABLE due ON COMMIT DROP AS
    SELECT id, bill_day, deduct_day, coalesce(planned_until + 1, today) AS since, today
    FROM (SELECT *, CAST(CAST(:at AS timestamptz) AT TIME ZONE timezone - interval '30 minutes' AS date) AS today
          FROM platform.plant WHERE state = 'active') p
    WHERE planned_until IS NULL OR planned_until < today
""")
_DUE_BY_HAND = text("""
    CREATE TEMPORARY TABLE due ON COMMIT DROP AS
    SELECT id, bill_day, deduct_day, least(CAST(:day AS date), planned_until + 1) AS since, CAST(:day AS date) AS today
    FROM platform.plant WHERE state = 'active' AND (CAST(:slug AS text) IS NULL OR slug = :slug)
""")

# 账单日 and 自动扣费日 are the month's last day where the month is shorter.
_PLAN = text("""
    INSERT INTO platform.plant_job (plant_id, business_date, kind, state, attempts, queued_at)
    SELECT due.id, day, kind, 'queued', 0, :at
    FROM due
    CROSS JOIN LATERAL (SELECT CAST(d AS date) AS day,
                               CAST(date_trunc('month', d) + interval '1 month - 1 day' AS date) AS last
                        FROM generate_series(due.since, due.today, interval '1 day') d) days
    CROSS JOIN unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS step (kind, place)
    WHERE (kind <> 'bills' OR extract(day FROM day) = least(bill_day, extract(day FROM last)))
      AND (kind <> 'auto_deduct' OR deduct_day = 0 OR extract(day FROM day) = least(deduct_day, extract(day FROM last)))
    ORDER BY due.id, day, place
    ON CONFLICT (plant_id, business_date, kind) DO NOTHING
""")
# What failed may have been mended: a new night tries it again, before its own steps.
_TRY_AGAIN = text("""
    UPDATE platform.plant_job SET state = 'queued', attempts = 0
    WHERE state = 'failed' AND plant_id IN (SELECT id FROM due)
""")
_PLANNED = text("""
    UPDATE platform.plant p SET planned_until = greatest(p.planned_until, due.today) FROM due WHERE due.id = p.id
""")


def plan(at: datetime) -> int:
    """Plan the nights that have come by `at`, missed ones first; returns how many plants got one.

    A clock that goes back plans nothing: `planned_until` only grows.
    """
    return _plan(_DUE, at=at)


def plan_by_hand(day: date, at: datetime, *, slug: str | None = None) -> int:
    """Plan the night of a business date, and those missed before it, for one active plant or for all."""
    return _plan(_DUE_BY_HAND, at=at, day=day, slug=slug)


def _plan(due: object, **values: object) -> int:
    with platform() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PLAN_LOCK})
        session.execute(due, values)  # type: ignore[call-overload]
        session.execute(_PLAN, {"at": values["at"], "kinds": list(KINDS)})
        session.execute(_TRY_AGAIN)
        return int(session.execute(_PLANNED).rowcount)  # type: ignore[attr-defined]


# A plant whose first open step has failed waits for a person, or for its next night.
_TELL = text("""
    UPDATE platform.plant p SET night_sent_at = :at
    WHERE p.state = 'active' AND (p.night_sent_at IS NULL OR p.night_sent_at NOT BETWEEN :since AND :at)
      AND EXISTS (SELECT 1 FROM platform.plant_job j WHERE j.plant_id = p.id AND j.state IN ('queued', 'running'))
      AND NOT EXISTS (SELECT 1 FROM platform.plant_job j WHERE j.plant_id = p.id AND j.state = 'failed')
    RETURNING p.households, p.id, p.slug
""")


def untold(at: datetime, *, patience: timedelta) -> list[str]:
    """Plants with open nights that no worker was told of within `patience`, large ones first; they now count as told."""
    with platform() as session:
        rows = session.execute(_TELL, {"at": at, "since": at - patience}).all()
    return [row.slug for row in sorted(rows, key=lambda row: (-row.households, row.id))]
