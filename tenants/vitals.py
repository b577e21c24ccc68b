"""How the fleet is, in a few small queries: revisions, and last night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from tenants import migrate

NIGHT_STATES = ("done", "undone", "failed", "unplanned")
JOB_STATES = ("queued", "running", "done", "failed")

# A night begins at half past midnight (tenants.nights); a plant that was opened later owes it from then on.
NIGHTS = text("""
SELECT state, count(*) AS plants, max(extract(epoch FROM :now - greatest(since, created_at))) AS lag
FROM (
  SELECT created_at,
    (coalesce(oldest, planned_until + 1, today) + interval '30 minutes') AT TIME ZONE timezone AS since,
    CASE WHEN failed THEN 'failed'
         WHEN oldest IS NOT NULL THEN 'undone'
         WHEN planned_until >= today THEN 'done'
         ELSE 'unplanned' END AS state
  FROM (SELECT *, CAST(CAST(:now AS timestamptz) AT TIME ZONE timezone - interval '30 minutes' AS date) AS today
        FROM platform.plant WHERE state = 'active') p
  CROSS JOIN LATERAL (
    SELECT min(business_date) AS oldest, bool_or(j.state = 'failed') AS failed
    FROM platform.plant_job j WHERE j.plant_id = p.id AND j.state <> 'done'
  ) undone
) plants
GROUP BY state
""")
LATEST_JOBS = text("""
SELECT state, count(*) FROM platform.plant_job
WHERE business_date = (SELECT max(business_date) FROM platform.plant_job) GROUP BY state
""")
EXPORT_AGE = text("""
SELECT coalesce(max(extract(epoch FROM :now - coalesce(exported_at, created_at))), 0)
FROM platform.plant WHERE state <> 'archived'
""")


@dataclass(frozen=True, slots=True)
class Night:
    """How many active plants are in which state (`unplanned`: beat is not there), and how late the latest is.

    `lag` is in seconds since the oldest unfinished night of any plant began; 0 when all is done.
    """

    plants: dict[str, int]
    lag: float


def night(connection: Connection, *, now: datetime) -> Night:
    """The night that should be done by `now`."""
    rows = connection.execute(NIGHTS, {"now": now}).all()
    plants = dict.fromkeys(NIGHT_STATES, 0) | {row.state: row.plants for row in rows}
    return Night(plants, max((float(row.lag) for row in rows if row.state != "done"), default=0.0))


def latest_jobs(connection: Connection) -> dict[str, int]:
    """The jobs of the latest business date of all, by state."""
    return dict.fromkeys(JOB_STATES, 0) | {state: count for state, count in connection.execute(LATEST_JOBS)}


def export_age(connection: Connection, *, now: datetime) -> float:
    """Seconds since the last export of the plant that has waited longest for one."""
    return float(connection.execute(EXPORT_AGE, {"now": now}).scalar_one())


def platform_behind(connection: Connection) -> int:
    """How many revisions the registry still has to go."""
    current = connection.execute(text("SELECT name FROM platform.revision")).scalar()
    return migrate.behind("platform", current)


def plants(connection: Connection) -> dict[tuple[str, int], int]:
    """How many plants there are: {(state, revisions still to go): plants}."""
    found: dict[tuple[str, int], int] = {}
    for state, revision, count in connection.execute(
        text("SELECT state, revision, count(*) FROM platform.plant GROUP BY state, revision")
    ):
        key = (state, migrate.behind("tenant", revision))
        found[key] = found.get(key, 0) + count
    return found
