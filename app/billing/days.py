"""按天分摊 (policy split_by = days): a span of use that a price change falls into is shared by its days."""

from __future__ import annotations

from sqlalchemy import text

from app.db import db

# The span is (day read before, day read]; a meter never read before counts from the day it was bound. What lies before
# a standard's first version is that version's. Mixed uses keep their shares, and unmetered charges know no days.
_SPLIT = text("""
    WITH spans AS (
        SELECT m.customer_id, m.binding_id, m.version_id, m.read_on, m.use_category_id,
               coalesce(
                   (SELECT p.read_on FROM reading p
                    WHERE p.binding_id IN (b.id, b.replaces_id) AND p.period < :period
                      AND p.review = 'accepted' AND p.kind <> 'unread'
                    ORDER BY p.period DESC LIMIT 1), b.bound_on) AS read_before
        FROM measured m JOIN meter_binding b ON b.id = m.binding_id
        WHERE m.applies_to = 'metered' AND m.mix IS NULL AND m.volume > 0
    ), versions AS (
        SELECT DISTINCT tariff_id, version_id, since, until FROM in_force
    ), shared AS (
        SELECT s.customer_id, s.binding_id, v.version_id, v.since,
               least(s.read_on, v.until - 1) - greatest(s.read_before + 1,
                   CASE WHEN lag(v.since) OVER w IS NULL THEN s.read_before + 1 ELSE v.since END) + 1 AS days
        FROM spans s
        JOIN versions own ON own.version_id = s.version_id AND own.since > s.read_before + 1
        JOIN versions v ON v.tariff_id = own.tariff_id AND v.since <= s.read_on
        WINDOW w AS (PARTITION BY s.binding_id ORDER BY v.since)
    ), split AS (
        SELECT customer_id, binding_id,
               CAST(jsonb_agg(jsonb_build_array(version_id, days) ORDER BY since) AS text) AS parts
        FROM shared WHERE days > 0 GROUP BY 1, 2 HAVING count(*) > 1
    )
    UPDATE measured m SET parts = s.parts
    FROM split s WHERE s.customer_id = m.customer_id AND s.binding_id = m.binding_id
""")


def split_by_days(period: str) -> int:
    """Name in `measured.parts` the versions that share each span, as [[version_id, days], …]; how many are shared."""
    done = db.session.execute(_SPLIT, {"period": period})
    return int(done.rowcount)  # type: ignore[attr-defined]
