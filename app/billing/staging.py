"""What is to be billed for a period, gathered and priced in temporary tables of the running transaction.

Set-based: the plant's readings become rows of `measured`; equal ones are priced once, by app.billing.rules, into
`priced`. Preview and issue read the same tables.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import text

from app import periods, staging
from app.billing.days import split_by_days
from app.billing.rules import ZERO, Measured, Priced, Standard, price
from app.db import db
from app.errors import DomainError
from app.staff import settings
from app.tariffs import queries as tariffs
from app.tariffs.queries import InForce
from app.tariffs.rules import TariffError, cycle_window, due_date

NEVER = date(9999, 1, 1)

IN_FORCE = {
    "version_id": "bigint", "tariff_id": "bigint", "use_category_id": "bigint", "applies_to": "text",
    "is_default": "boolean", "since": "date", "until": "date", "window_start": "text", "due_on": "date",
    "by_people": "boolean", "by_quota": "boolean", "by_area": "boolean",
}  # fmt: skip

# A reading made before the 水表性质 changed is of the old one. Nearly everybody was read and billed in the plant's last
# period too: that bill says since when this one counts and where its tiers start (`before`). Only the others are looked
# up one by one; among them are the `odd` ones, whose bills, or those of the meter before, were corrected in the window
# or not made in the order of their periods. A meter that took another one's place (换表) goes on where that one ended.
# Whole months that a meter stood still (停表) are no months of a bill.
_MEASURE = """
    CREATE TEMPORARY TABLE measured ON COMMIT DROP AS
    SELECT found.*, {key} AS key FROM (
    WITH RECURSIVE billed AS (
        SELECT b.customer_id, coalesce(b.binding_id, 0) AS binding_id, count(*) AS rounds,
               bool_or(r.id IS NULL) AS standing
        FROM bill b LEFT JOIN bill r ON r.reverses_id = b.id
        WHERE b.period = :period AND b.kind = 'regular'
        GROUP BY 1, 2
    ), changed AS (
        SELECT DISTINCT ON (r.id) r.id AS reading_id, u.old_id
        FROM use_category_change u JOIN reading r ON r.binding_id = u.binding_id AND r.read_on < u.effective_from
        WHERE r.period = :period
        ORDER BY r.id, u.effective_from, u.id
    ), unruly AS (
        SELECT b.binding_id FROM bill b
        WHERE b.kind <> 'regular' AND b.period >= :since AND b.period < :period AND b.binding_id IS NOT NULL
        UNION
        SELECT b.binding_id FROM billing_run r JOIN bill b ON b.run_id = r.id AND b.period = r.period
        WHERE r.period >= :since AND r.period < :last AND b.binding_id IS NOT NULL
          AND r.id > (SELECT min(f.id) FROM billing_run f WHERE f.period = :last)
    ), odd AS (
        SELECT binding_id FROM unruly
        UNION
        SELECT b.id FROM odd o JOIN meter_binding b ON b.replaces_id = o.binding_id
    ), before AS (
        SELECT b.binding_id, b.document -> 'tariffs' -> 0 -> 'version_id' AS version,
               {counted} + coalesce(CAST(b.document ->> 'used_before' AS numeric), 0) AS climbed
        FROM bill b
        WHERE b.period = :last AND b.kind = 'regular' AND b.binding_id NOT IN (SELECT binding_id FROM odd)
    ), used AS (
        SELECT r.customer_id, r.binding_id, c.route_id, 'metered' AS applies_to, r.start_reading, r.end_reading,
               r.read_on, r.volume, c.people, c.quota_id, c.quota_units, c.area, b.mix, b.meter_id,
               coalesce(h.old_id, b.use_category_id) AS use_category_id, l.version, l.climbed,
               CASE WHEN l.binding_id IS NOT NULL THEN :last ELSE
                   (SELECT p.period FROM reading p
                    WHERE p.binding_id IN (r.binding_id, b.replaces_id) AND p.period < :period
                      AND p.review = 'accepted' AND p.kind <> 'unread'
                    ORDER BY p.period DESC LIMIT 1) END AS read_before
        FROM reading r
        JOIN meter_binding b ON b.id = r.binding_id
        JOIN customer c ON c.id = r.customer_id
        LEFT JOIN changed h ON h.reading_id = r.id
        LEFT JOIN before l ON l.binding_id = r.binding_id
        WHERE r.period = :period AND r.review = 'accepted' AND r.kind <> 'unread' AND c.charged_by_meter
        UNION ALL
        SELECT c.id, NULL, c.route_id, 'unmetered', NULL, NULL, CAST(:last_day AS date), 0, c.people,
               c.quota_id, c.quota_units, c.area, NULL, NULL, c.use_category_id, NULL, NULL, NULL
        FROM customer c
        WHERE NOT c.charged_by_meter AND c.state = 'active'
          AND (c.opened_on IS NULL OR c.opened_on <= CAST(:last_day AS date))
    )
    SELECT u.customer_id, u.binding_id, u.route_id, u.applies_to, u.use_category_id, u.start_reading,
           u.end_reading, u.read_on, CAST(coalesce(k.rounds, 0) AS integer) AS round, f.due_on, u.mix,
           f.version_id, CAST('' AS text) AS parts, u.volume,
           CASE WHEN f.window_start >= :period OR u.binding_id IS NULL THEN 0
                WHEN f.window_start <= :last AND u.mix IS NULL AND u.version = to_jsonb(f.version_id) THEN u.climbed
                END AS used_before,
           f.window_start,
           CASE WHEN f.by_people THEN u.people ELSE 0 END AS people,
           CASE WHEN u.read_before IS NULL OR u.read_before = :previous THEN 1 ELSE
               greatest(1, (CAST(left(:period, 4) AS integer) - CAST(left(u.read_before, 4) AS integer)) * 12
               + CAST(right(:period, 2) AS integer) - CAST(right(u.read_before, 2) AS integer) - (
                   SELECT CAST(coalesce(sum(greatest(0, (extract(year FROM s.resumed_on)
                       - extract(year FROM s.stopped_on)) * 12 + extract(month FROM s.resumed_on)
                       - extract(month FROM s.stopped_on) - 1)), 0) AS integer)
                   FROM suspension s
                   WHERE s.meter_id = u.meter_id AND to_char(s.stopped_on, 'YYYY-MM') >= u.read_before
                     AND to_char(s.resumed_on, 'YYYY-MM') <= :period)) END AS months,
           CASE WHEN f.by_quota THEN coalesce(q.value * u.quota_units
               * CASE q.cycle WHEN '年' THEN 1 WHEN '季' THEN 4 ELSE 12 END, 0) ELSE 0 END AS quota,
           CASE WHEN f.by_area THEN u.area ELSE 0 END AS area
    FROM used u
    LEFT JOIN billed k ON k.customer_id = u.customer_id AND k.binding_id = coalesce(u.binding_id, 0)
    LEFT JOIN in_force f ON f.is_default AND f.use_category_id = u.use_category_id
         AND f.applies_to = u.applies_to AND f.since <= u.read_on AND u.read_on < f.until
    LEFT JOIN quota q ON q.id = u.quota_id
    WHERE k.standing IS NOT TRUE {route}
    ) found
"""

# Where the last bill does not say it: the sum of the window's bills, of the meters before (换表) too.
_CLIMB = """
    UPDATE measured m SET used_before = (
        WITH RECURSIVE line AS (
            SELECT m.binding_id AS id
            UNION ALL
            SELECT b.replaces_id FROM line JOIN meter_binding b ON b.id = line.id WHERE b.replaces_id IS NOT NULL
        )
        SELECT coalesce(sum({counted}), 0) FROM bill b
        WHERE b.customer_id = m.customer_id AND b.period >= m.window_start AND b.period < :period
          AND b.binding_id IN (SELECT id FROM line))
    WHERE used_before IS NULL
"""

# m³ that a bill put on the tiers: all of it, unless relief took some off.
_COUNTED = "coalesce(CAST(b.document ->> 'counted' AS numeric), b.volume)"

# What decides a price: rows of `measured` that agree in it share a row of `priced`, joined by all of it as one text.
KEY = ("version_id", "parts", "volume", "used_before", "people", "months", "quota", "area")
_KEY_TEXT = f"concat_ws('|', {', '.join(KEY)})"
_json = json.JSONEncoder(ensure_ascii=False).encode  # made once: a run writes thousands of documents
PRICED = {"key": "text", "amount": "numeric(14,2)", "document": "jsonb"}


_LOOK = text("""
    SELECT count(*) FILTER (WHERE version_id IS NULL AND mix IS NULL), count(mix), count(*) - count(used_before)
    FROM measured
""")


def stage(period: str, *, issued_on: date, route_id: int | None = None) -> list[str]:
    """Fill `measured` and `priced` with all that is to be billed and is not billed yet; returns the components.

    DomainError where somebody's use has no standard in force, or a standard cannot price it.
    """
    db.session.execute(text("DROP TABLE IF EXISTS pg_temp.measured"))
    db.session.execute(text("SET LOCAL work_mem = '64MB'"))  # the joins of a whole plant, in memory
    standards = tariffs.versions_in_force()
    since = _stage_tariffs(standards, period, issued_on)
    last = db.session.scalar(text("SELECT max(period) FROM reading WHERE period < :period"), {"period": period}) or ""
    what = {
        "period": period,
        "previous": periods.shift(period, -1),
        "last": last,
        "since": min(since, last) if last else since,
        "last_day": periods.last_day(period),
    }
    if route_id is not None:
        what["route_id"] = route_id
    route = "" if route_id is None else "AND u.route_id = :route_id"
    relief = any(s.rules.free_volume for s in standards)
    counted = _COUNTED if relief else "b.volume"
    measure = _MEASURE.format(key=_KEY_TEXT, route=route, counted=counted)
    # A plant's first bills are not analysed yet: believed to be few, they would be looked through once per reading.
    db.session.execute(text("SET LOCAL enable_nestloop = off"))
    db.session.execute(text(measure), what)
    db.session.execute(text("SET LOCAL enable_nestloop = on"))
    lacking, mixed, unclimbed = db.session.execute(_LOOK).one()
    if lacking:
        _refuse_without_standard()
    if unclimbed:
        db.session.execute(text(_CLIMB.format(counted=counted)), {"period": period})
        db.session.execute(text(f"UPDATE measured SET key = {_KEY_TEXT}"))  # noqa: S608
    if mixed:
        _resolve_mixes(standards)
    if settings.get("split_by") == "days" and split_by_days(period):
        db.session.execute(text(f"UPDATE measured SET key = {_KEY_TEXT} WHERE parts <> ''"))  # noqa: S608
    return _price({s.version_id: Standard(s.version_id, s.rules) for s in standards})


def _stage_tariffs(standards: list[InForce], period: str, issued_on: date) -> str:
    """Returns the first period that any standard's tiers count from."""
    rows = []
    for s in [*standards, *_for_all_unmetered(standards)]:
        bases = {charge.basis for charge in s.rules.charges}
        due = due_date(s.rules.late_fee, issued_on) if s.rules.late_fee else NEVER
        window = cycle_window(s.rules.tier_cycle, period)[0]
        by_people = s.rules.household is not None or "head" in bases
        rows.append(
            (s.version_id, s.tariff_id, s.use_category_id, s.applies_to, s.is_default, s.since,
             s.until or NEVER, window, due, by_people, bool(s.rules.over_quota), "area" in bases)
        )  # fmt: skip
    staging.stage("in_force", IN_FORCE, rows)
    return min((row[7] for row in rows), default=period)


def _for_all_unmetered(standards: list[InForce]) -> list[InForce]:
    """A plant with one standard for those without a meter means it for all of them, whatever their category."""
    unmetered = [s for s in standards if s.applies_to == "unmetered"]
    if len({s.tariff_id for s in unmetered}) != 1:
        return []
    others = [category for category in tariffs.categories() if category != unmetered[0].use_category_id]
    return [replace(s, use_category_id=category, is_default=True) for s in unmetered for category in others]


def _refuse_without_standard() -> None:
    row = db.session.execute(
        text("""
            SELECT u.name, m.applies_to, count(*) FROM measured m JOIN use_category u ON u.id = m.use_category_id
            WHERE m.version_id IS NULL AND m.mix IS NULL GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1
        """)
    ).one()
    kind = "抄表" if row[1] == "metered" else "不抄表"
    raise DomainError(f"「{row[0]}」（{kind}）有 {row[2]} 户没有可用的收费标准，请先到「水费收费标准」新增，再出账。")


def _resolve_mixes(standards: list[InForce]) -> None:
    """混合用水: name the version in force of every standard the binding shares the volume between."""
    mixed = db.session.execute(
        text("SELECT customer_id, binding_id, read_on, mix FROM measured WHERE mix IS NOT NULL")
    ).all()
    for customer_id, binding_id, read_on, mix in mixed:
        parts = [
            [
                _in_force_on(standards, part["tariff_id"], read_on),
                part.get("share") or {"volume": part["volume"]},
            ]
            for part in mix
        ]
        db.session.execute(
            text("""
                UPDATE measured SET parts = :parts, version_id = :version_id,
                    due_on = (SELECT due_on FROM in_force WHERE version_id = :version_id)
                WHERE customer_id = :customer_id AND binding_id = :binding_id
            """),
            {"parts": json.dumps(parts), "version_id": parts[0][0], "customer_id": customer_id,
             "binding_id": binding_id},
        )  # fmt: skip
    db.session.execute(text(f"UPDATE measured SET key = {_KEY_TEXT} WHERE mix IS NOT NULL"))  # noqa: S608


def _in_force_on(standards: list[InForce], tariff_id: int, day: date) -> int:
    for s in standards:
        if s.tariff_id == tariff_id and s.since <= day < (s.until or NEVER):
            return s.version_id
    raise DomainError(f"混合用水用到的收费标准在 {day} 还没有生效，请检查该标准的生效日期。")


def _price(standards: dict[int, Standard]) -> list[str]:
    """Price every distinct usage once; the components found, each a column `item_N` of `priced`."""
    found: list[tuple[str, Priced]] = []
    for key in db.session.scalars(text("SELECT DISTINCT key FROM measured")):
        measured = _usage_of(key)
        try:
            found.append((key, price(measured, standards)))
        except TariffError as error:
            name = standards[measured.version_id].tariff.name
            raise DomainError(f"收费标准「{name}」算不出水费：{error.message}请修改后再出账。") from error
    items = list(dict.fromkeys(item for _, one in found for item in one.items))
    rows = (
        (key, one.amount, _json(one.document), *(one.items.get(item, ZERO) for item in items)) for key, one in found
    )
    staging.stage("priced", PRICED | {f"item_{n}": "numeric(14,2)" for n in range(len(items))}, rows)
    return items


def _usage_of(key: str) -> Measured:
    version_id, parts, volume, used_before, people, months, quota, area = key.split("|")
    return Measured(
        int(version_id),
        parts,
        Decimal(volume),
        Decimal(used_before),
        int(people),
        int(months),
        Decimal(quota),
        Decimal(area),
    )
