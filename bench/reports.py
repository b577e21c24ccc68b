"""`bin/bench reports --customers 50000 --months 12`: what the night's sums are worth to who opens a report.

A plant with a history: bills, 自动扣费 and people at the counter every day. Each page is asked for as a browser asks,
right after something has changed, so that no page's own memory helps: with the night's sums, and with none of them. On
random days both must be equal, and equal to the ledger.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from datetime import date, timedelta

from flask import Flask
from sqlalchemy import text

from app import clock, periods
from app.dashboard import kept
from app.db import db, transaction
from app.reports import queries
from app.reports.books import against_ledger, moved
from app.reports.fresh import MARKS
from app.reports.monthly import monthly_report
from app.reports.service import build_summaries
from bench import ground, history
from bench.pages import changed, logged_in, seconds
from embedded.postgres import Postgres
from tenants import context
from tenants.context import Tenant
from tenants.session import quoted

SUMS = ("summary", "customer_year")
LAST = "2026-10"
TODAY = "2026-11-28"
PAGES = {
    "综合统计 · 本月": "/reports/summary?since=2026-11-01&until=2026-11-30",
    "综合统计 · 到今天": "/reports/summary?since=2026-11-01&until=2026-11-28",
    "综合统计 · 全年": "/reports/summary?since=2025-12-01&until=2026-11-28",
    "月报": "/reports/monthly?period=2026-11",
    "抄表统计 · 以前": "/reports/readings?period=2026-05",
    "抄表统计 · 最近": "/reports/readings?period=2026-10",
    "用户统计 · 全年": "/reports/customers?span=2026",
    "用户统计 · 一月": "/reports/customers?span=2026-05",
    "首页": "/?period=2026-10",
}


def put_aside(postgres: Postgres, tenant: Tenant) -> None:
    """Change the night's sums for none, or none for them, at once."""
    s = quoted(tenant.schema)
    swapped = [
        f"CREATE TABLE IF NOT EXISTS {s}.aside_{t} (LIKE {s}.{t} INCLUDING ALL);\n"
        f"GRANT ALL ON {s}.aside_{t} TO {quoted(tenant.role)};\n"
        f"ALTER TABLE {s}.{t} RENAME TO between_{t};\n"
        f"ALTER TABLE {s}.aside_{t} RENAME TO {t};\n"
        f"ALTER TABLE {s}.between_{t} RENAME TO aside_{t}"
        for t in SUMS
    ]
    keys = [
        f"UPDATE {s}.setting SET key = '{new}' WHERE key = '{old}'"
        for old, new in ((MARKS, "between"), ("aside", MARKS), ("between", "aside"))
    ]
    ground.script(postgres, ";\n".join([*swapped, *keys]))


def measure(app: Flask, postgres: Postgres, tenant: Tenant, rounds: int) -> dict[str, dict[str, float]]:
    """Page → the median milliseconds of its first view after a change, with the sums and without, in turn."""
    client, found = logged_in(app, tenant), {}
    for name, path in PAGES.items():
        spent: dict[str, list[float]] = {"cached_ms": [], "uncached_ms": []}
        for _ in range(rounds):
            for times in spent.values():
                seconds(client, tenant, path)
                changed(tenant)
                kept.forget()
                times.append(seconds(client, tenant, path) * 1000)
                put_aside(postgres, tenant)
        found[name] = {key: round(statistics.median(times), 1) for key, times in spent.items()}
    return found


def said(days: list[tuple[date, date]], months: list[str]) -> list[object]:
    """What reports say of spans and months; False where one does not agree with the ledger."""
    found: list[object] = []
    for since, until in days:
        total = moved(since=since, until=until, route_ids=None)
        checks = against_ledger(total, since=since, until=until, route_ids=None)
        found += [
            total,
            all(check.agrees for check in checks),
            queries.grouped(("day", "method"), since=since, until=until),
        ]
    for month in months:
        report = monthly_report(month)
        found += [report.lines, report.total, report.ledger, report.agrees]
    return found


def spans(count: int, months: int) -> list[tuple[date, date]]:
    """Random days of the history and what follows them."""
    chance, last = random.Random(7), date.fromisoformat(TODAY)  # the same ones in every run
    starts = [last - timedelta(days=chance.randrange(months * 30)) for _ in range(count)]
    return [(since, since + timedelta(days=chance.choice((0, 6, 30, 100)))) for since in starts]


def night(tenant: Tenant) -> float:
    """Seconds to sum up everything; then one to sum up nothing."""
    with context.use(tenant):

        def build() -> None:
            with transaction():
                build_summaries()
            db.session.remove()

        return ground.seconds(build)


def compare(app: Flask, postgres: Postgres, tenant: Tenant, rounds: int, months: int) -> dict[str, object]:
    """With the sums and without them."""
    first, again = night(tenant), night(tenant)
    ground.settle_disk(postgres, *(f"{quoted(tenant.schema)}.{t}" for t in (*SUMS, "setting")))
    asked, of_months = spans(8, months), periods.months_ending(periods.of(date.fromisoformat(TODAY)), months)[::5]
    answers = []
    for _ in range(2):
        with context.use(tenant):
            answers.append(said(asked, of_months))
            db.session.remove()
        put_aside(postgres, tenant)
    pages = measure(app, postgres, tenant, rounds)
    return {
        "build_s": round(first, 1),
        "build_nothing_s": round(again, 2),
        "equal": answers[0] == answers[1],
        "equal_to_ledger": not any(one is False for one in answers[0] + answers[1]),
        "pages": {name: ms | {"ratio": round(ms["cached_ms"] / ms["uncached_ms"], 2)} for name, ms in pages.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with ground.ground() as (app, postgres), clock.at(clock.datetime.fromisoformat(f"{TODAY}T04:00:00+00:00")):
        tenant = ground.plant("history")
        with context.use(tenant):
            history.live_through(options.customers, LAST, options.months)
            counts = db.session.execute(
                text(
                    "SELECT (SELECT count(*) FROM bill), (SELECT count(*) FROM payment), (SELECT count(*) FROM posting)"
                )
            ).one()
            db.session.remove()
        ground.settle_disk(postgres, "")
        found = compare(app, postgres, tenant, options.rounds, options.months)
    sizes = dict(zip(("bills", "payments", "postings"), counts, strict=True))
    print(
        json.dumps(
            {"customers": options.customers, "months": options.months} | sizes | found, ensure_ascii=False, indent=1
        )
    )
