"""A plant as large as one likes, filled by a handful of statements: for benches and for looking at long lists."""

from __future__ import annotations

from sqlalchemy import text

from app.db import db

_STATEMENTS = (
    "INSERT INTO district (name) SELECT '第' || n || '区' FROM generate_series(1, 10) n ON CONFLICT DO NOTHING",
    """INSERT INTO route (district_id, name)
       SELECT d.id, lpad(CAST(n AS text), 3, '0') || '册' FROM district d CROSS JOIN generate_series(1, :books) n
       ON CONFLICT DO NOTHING""",
    """INSERT INTO customer (customer_no, holder, holder_initials, phone, id_card, address, route_id, route_seq, people,
                             use_category_id, charged_by_meter, auto_deduct, quota_units, area, state, note,
                             credit_balance)
       WITH books AS (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS all_books FROM route)
       SELECT '9' || lpad(CAST(i AS text), 7, '0'),
              substr('王李张刘陈杨赵黄周吴', 1 + i % 10, 1) || substr('建国秀英文海志强玉兰', 1 + i / 10 % 10, 1)
                  || substr('芳军平霞明丽涛燕刚红', 1 + i / 100 % 10, 1),
              substr('wlzlcyzhzw', 1 + i % 10, 1) || substr('jgxywhzqyl', 1 + i / 10 % 10, 1)
                  || substr('fjpxmltygh', 1 + i / 100 % 10, 1),
              '139' || lpad(CAST(i AS text), 8, '0'), '', '第' || i % 200 || '号', b.id, i / b.all_books, 1 + i % 6,
              (SELECT min(id) FROM use_category), true, i % 3 = 0, 0, 0, 'active', '', 0
       FROM generate_series(1, :customers) i JOIN books b ON b.n = 1 + i % b.all_books""",
    """INSERT INTO meter (meter_no, bore, meter_type, maker, dial_modulus, initial_reading, state, note)
       SELECT 'BG' || customer_no, 'DN15', '机械表', '', 100000, 0, 'in_use', '' FROM customer
       WHERE customer_no LIKE '9%'""",
    """WITH found AS MATERIALIZED (
           SELECT m.id AS meter_id, c.id AS customer_id, c.use_category_id
           FROM customer c JOIN meter m ON m.meter_no = 'BG' || c.customer_no)
       INSERT INTO meter_binding (meter_id, customer_id, use_category_id, bound_on, start_reading, carried_volume)
       SELECT meter_id, customer_id, use_category_id, DATE '2020-01-01', 0, 0 FROM found""",
)

# Whole m³, most households 4 to 14, a few far more: the same ones in every run.
_READ = """
    WITH last AS (SELECT binding_id, max(end_reading) AS ended FROM reading GROUP BY 1), used AS (
        SELECT b.id, b.customer_id, c.route_id, coalesce(l.ended, b.start_reading) AS started,
               2 + abs(hashint8(b.id * 100 + CAST(:month AS integer))) % 13
                 + CASE WHEN hashint8(b.id * 99 + CAST(:month AS integer)) % 50 = 0 THEN 40 ELSE 0 END
                 + abs(hashint8(b.id)) % 9 AS volume
        FROM meter_binding b JOIN customer c ON c.id = b.customer_id LEFT JOIN last l ON l.binding_id = b.id
        WHERE b.unbound_on IS NULL
    ), found AS MATERIALIZED (SELECT * FROM used)
    INSERT INTO reading (binding_id, customer_id, route_id, period, start_reading, end_reading, volume, read_on, kind,
                         review, held_for, note, recorded_at)
    SELECT id, customer_id, route_id, :period, started, started + volume, volume, CAST(:period || '-10' AS date),
           'actual', 'accepted', '', '', CAST(:period || '-10' AS timestamptz) FROM found
"""


def fill(customers: int) -> None:
    """Customers with a bound meter each, in books of about 120. Flushes; the caller commits."""
    books = max(1, customers // 1200)
    for statement in _STATEMENTS:
        wanted = {"books": books, "customers": customers}
        db.session.execute(text(statement), {k: v for k, v in wanted.items() if f":{k}" in statement})


def read(period: str) -> None:
    """Everybody's reading of a period."""
    db.session.execute(text(_READ), {"period": period, "month": int(period[5:])})
