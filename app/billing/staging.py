"""What is to be billed for a period, gathered and priced in temporary tables of the running transaction.

Set-based: the plant's readings become rows of `staged`; equal ones are priced once, by app.billing.rules, into
`priced`. Preview and issue read the same tables.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app import periods
from app.billing.rules import Measured, Standard, price
from app.db import db
from app.errors import DomainError
from app.tariffs import queries as tariffs
from app.tariffs.queries import InForce
from app.tariffs.rules import TariffError, cycle_window, due_date

NEVER = date(9999, 1, 1)

_IN_FORCE = """
    CREATE TEMPORARY TABLE in_force (
        version_id bigint, tariff_id bigint, use_category_id bigint, applies_to text, is_default boolean,
        since date, until date, window_start text, due_on date,
        by_people boolean, by_quota boolean, by_area boolean
    ) ON COMMIT DROP
"""

# Whose 水表性质 changed after the reading was still of the old one when it was read.
_STAGE = """
    CREATE TEMPORARY TABLE staged ON COMMIT DROP AS
    WITH billed AS (
        SELECT b.customer_id, coalesce(b.binding_id, 0) AS binding_id, count(*) AS rounds,
               bool_or(r.id IS NULL) AS standing
        FROM bill b LEFT JOIN bill r ON r.reverses_id = b.id
        WHERE b.period = :period AND b.kind = 'regular'
        GROUP BY 1, 2
    ), used AS (
        SELECT r.customer_id, r.binding_id, c.route_id, 'metered' AS applies_to, r.start_reading, r.end_reading,
               r.read_on, r.volume, c.people, c.quota_id, c.quota_units, c.area, b.mix,
               coalesce(
                   (SELECT u.old_id FROM use_category_change u
                    WHERE u.binding_id = b.id AND u.effective_from > r.read_on
                    ORDER BY u.effective_from, u.id LIMIT 1),
                   b.use_category_id) AS use_category_id,
               (SELECT p.period FROM reading p
                WHERE p.binding_id = r.binding_id AND p.period < :period
                  AND p.review = 'accepted' AND p.kind <> 'unread'
                ORDER BY p.period DESC LIMIT 1) AS read_before
        FROM reading r
        JOIN meter_binding b ON b.id = r.binding_id
        JOIN customer c ON c.id = r.customer_id
        WHERE r.period = :period AND r.review = 'accepted' AND r.kind <> 'unread' AND c.charged_by_meter
        UNION ALL
        SELECT c.id, NULL, c.route_id, 'unmetered', NULL, NULL, CAST(:last_day AS date), 0, c.people,
               c.quota_id, c.quota_units, c.area, NULL, c.use_category_id, NULL
        FROM customer c
        WHERE NOT c.charged_by_meter AND c.state = 'active'
          AND (c.opened_on IS NULL OR c.opened_on <= CAST(:last_day AS date))
    )
    SELECT u.customer_id, u.binding_id, u.route_id, u.applies_to, u.use_category_id, u.start_reading,
           u.end_reading, u.read_on, u.volume, u.people, u.area, u.mix, u.quota_units, u.quota_id,
           CAST(coalesce(k.rounds, 0) AS integer) AS round,
           CASE WHEN u.read_before IS NULL THEN 1 ELSE
               (CAST(left(:period, 4) AS integer) - CAST(left(u.read_before, 4) AS integer)) * 12
               + CAST(right(:period, 2) AS integer) - CAST(right(u.read_before, 2) AS integer) END AS months
    FROM used u
    LEFT JOIN billed k ON k.customer_id = u.customer_id AND k.binding_id = coalesce(u.binding_id, 0)
    WHERE k.standing IS NOT TRUE {route}
"""

# Where tiers climb over more than the month, the window's earlier bills say where this one starts.
_MEASURE = """
    CREATE TEMPORARY TABLE measured ON COMMIT DROP AS
    WITH valued AS (
        SELECT s.*, f.version_id, f.window_start, f.due_on, f.by_people, f.by_area,
               CASE WHEN f.by_quota THEN coalesce(q.value * s.quota_units, 0) ELSE 0 END AS quota
        FROM staged s
        LEFT JOIN in_force f ON f.is_default AND f.use_category_id = s.use_category_id
             AND f.applies_to = s.applies_to AND f.since <= s.read_on AND s.read_on < f.until
        LEFT JOIN quota q ON q.id = s.quota_id
    ), climbed AS (
        SELECT v.customer_id, v.binding_id,
               sum(coalesce(CAST(b.document ->> 'counted' AS numeric), b.volume)) AS used_before
        FROM valued v
        JOIN bill b ON b.customer_id = v.customer_id AND b.binding_id = v.binding_id
             AND b.period >= v.window_start AND b.period < :period
        WHERE v.window_start < :period
        GROUP BY 1, 2
    )
    SELECT v.customer_id, v.binding_id, v.route_id, v.applies_to, v.use_category_id, v.start_reading,
           v.end_reading, v.read_on, v.round, v.due_on, v.mix,
           v.version_id, CAST('' AS text) AS parts, v.volume, coalesce(c.used_before, 0) AS used_before,
           CASE WHEN v.by_people THEN v.people ELSE 0 END AS people, v.months, v.quota,
           CASE WHEN v.by_area THEN v.area ELSE 0 END AS area
    FROM valued v LEFT JOIN climbed c ON c.customer_id = v.customer_id AND c.binding_id = v.binding_id
"""

KEY = ("version_id", "parts", "volume", "used_before", "people", "months", "quota", "area")

_PRICED = """
    CREATE TEMPORARY TABLE priced (
        key_id integer, version_id bigint, parts text, volume numeric, used_before numeric, people integer,
        months integer, quota numeric, area numeric, amount numeric(14,2), document jsonb
    ) ON COMMIT DROP
"""
_ITEMS = "CREATE TEMPORARY TABLE priced_item (key_id integer, item text, amount numeric(14,2)) ON COMMIT DROP"


def stage(period: str, *, issued_on: date, route_id: int | None = None) -> None:
    """Fill `measured`, `priced` and `priced_item` with all that is to be billed and is not billed yet.

    DomainError where somebody's use has no standard in force, or a standard cannot price it.
    """
    for name in ("priced_item", "priced", "measured", "staged", "in_force"):
        db.session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    standards = tariffs.versions_in_force()
    _stage_tariffs(standards, period, issued_on)
    db.session.execute(
        text(_STAGE.format(route="" if route_id is None else "AND u.route_id = :route_id")),
        {"period": period, "last_day": periods.last_day(period), "route_id": route_id},
    )
    db.session.execute(text(_MEASURE), {"period": period})
    _use_the_only_unmetered_standard(standards)
    _refuse_without_standard()
    _resolve_mixes(standards)
    _price({s.version_id: Standard(s.version_id, s.rules) for s in standards})


def _copy(table: str, rows: list[tuple[Any, ...]]) -> None:
    """COPY rows into a temporary table."""
    driver: Any = db.session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _stage_tariffs(standards: list[InForce], period: str, issued_on: date) -> None:
    db.session.execute(text(_IN_FORCE))
    rows = []
    for s in standards:
        bases = {charge.basis for charge in s.rules.charges}
        due = due_date(s.rules.late_fee, issued_on) if s.rules.late_fee else NEVER
        window = cycle_window(s.rules.tier_cycle, period)[0]
        by_people = s.rules.household is not None or "head" in bases
        rows.append(
            (s.version_id, s.tariff_id, s.use_category_id, s.applies_to, s.is_default, s.since,
             s.until or NEVER, window, due, by_people, bool(s.rules.over_quota), "area" in bases)
        )  # fmt: skip
    _copy("in_force", rows)


def _use_the_only_unmetered_standard(standards: list[InForce]) -> None:
    """A plant with one standard for those without a meter means it for all of them, whatever their category."""
    if len({s.tariff_id for s in standards if s.applies_to == "unmetered"}) == 1:
        db.session.execute(
            text("""
                UPDATE measured m SET version_id = f.version_id, due_on = f.due_on,
                    people = CASE WHEN f.by_people THEN c.people ELSE 0 END
                FROM in_force f, customer c
                WHERE m.version_id IS NULL AND m.applies_to = 'unmetered' AND f.applies_to = 'unmetered'
                  AND f.since <= m.read_on AND m.read_on < f.until AND c.id = m.customer_id
            """)
        )


def _refuse_without_standard() -> None:
    row = db.session.execute(
        text("""
            SELECT u.name, m.applies_to, count(*) FROM measured m JOIN use_category u ON u.id = m.use_category_id
            WHERE m.version_id IS NULL AND m.mix IS NULL GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1
        """)
    ).first()
    if row:
        kind = "抄表" if row[1] == "metered" else "不抄表"
        raise DomainError(
            f"「{row[0]}」（{kind}）有 {row[2]} 户没有可用的收费标准，请先到「水费收费标准」新增，再出账。"
        )


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


def _in_force_on(standards: list[InForce], tariff_id: int, day: date) -> int:
    for s in standards:
        if s.tariff_id == tariff_id and s.since <= day < (s.until or NEVER):
            return s.version_id
    raise DomainError(f"混合用水用到的收费标准在 {day} 还没有生效，请检查该标准的生效日期。")


def _price(standards: dict[int, Standard]) -> None:
    """Price every distinct usage once."""
    db.session.execute(text(_PRICED))
    db.session.execute(text(_ITEMS))
    rows: list[tuple[Any, ...]] = []
    items: list[tuple[int, str, Decimal]] = []
    distinct = db.session.execute(text(f"SELECT DISTINCT {', '.join(KEY)} FROM measured"))  # noqa: S608
    for key_id, row in enumerate(distinct):
        measured = Measured(*row)
        try:
            found = price(measured, standards)
        except TariffError as error:
            name = standards[measured.version_id].tariff.name
            raise DomainError(f"收费标准「{name}」算不出水费：{error.message}请修改后再出账。") from error
        rows.append((key_id, *row, found.amount, json.dumps(found.document, ensure_ascii=False)))
        items.extend((key_id, item, amount) for item, amount in found.items.items())
    _copy("priced", rows)
    _copy("priced_item", items)
    for table in ("measured", "priced", "priced_item"):
        db.session.execute(text(f"ANALYZE {table}"))
