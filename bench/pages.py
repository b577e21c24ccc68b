"""`bin/bench pages`: each main page of a plant with 300 customers and of one with 50,000, and the ratio of the two.

Three billed months in each, and two of three households have paid them all. A page is asked for as a browser asks, by
the app itself, without the net; `first` is the first time after everything may have changed (all sums are gathered
anew), `again` the median of the next ones.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextvars import Context
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import clock
from app.billing.service import issue_bills
from app.dashboard import kept
from app.db import db, transaction
from app.payments.service.auto_deduct import deduct_prepayments
from app.reports.service import build_summaries
from app.web import remembered
from bench import ground
from bench.ground import NIGHT, PASSWORD
from seeds import big
from tenants import context
from tenants.context import Tenant
from tenants.entry import captcha

PERIODS = ("2026-08", "2026-09", "2026-10")
PAGES = {
    "首页": "/",
    "区册": "/areas/",
    "水表列表": "/meters/",
    "用户档案": "/customers",
    "用户档案 · 正常": "/customers?tab=normal",
    "用户档案 · 欠费": "/customers?tab=owed",
    "用户档案 · 最后一页": "/customers?page={last}",
    "搜索户号": "/customers?q=90000123",
    "搜索户名": "/customers?q=王国芳",
    "搜索拼音": "/customers?q=wjf",
    "搜索电话": "/customers?q=13900000123",
    "搜索地址": "/customers?q=第123号",
    "搜索表号": "/customers?q=BG90000123",
    "搜索姓氏": "/customers?q=王",
    "搜索水表": "/meters/?q=BG90000123",
    "搜索抄表记录": "/readings?period=2026-10&q=90000123",
    "搜索欠费": "/owing?q=90000123",
    "搜索订单": "/orders?q=90000123",
    "搜索册": "/readings/books?q=001",
    "水表性质变更": "/use-categories/changes",
    "抄表记录": "/readings?period=2026-10",
    "抄表记录 · 最后一页": "/readings?period=2026-10&page={last}",
    "整册": "/readings/books",
    "开账": "/bills/?period=2026-10",
    "水费线下缴费": "/owing",
    "缴费订单": "/orders",
    "前台收费": "/counter?q=90000123",
    "综合统计": "/reports/summary?from=2026-11-01&to=2026-11-30",
    "抄表统计": "/reports/readings?period=2026-10",
    "用户统计": "/reports/customers",
    "月报": "/reports/monthly?period=2026-11",
}


def filled(slug: str, customers: int) -> Tenant:
    """A plant with three billed months; two of three households pay them from what they put in."""
    tenant = ground.plant(slug)
    with context.use(tenant):
        ground.fill(customers, [])
        for period in PERIODS:
            with transaction():
                big.read(period)
                issue_bills(period, on=NIGHT, by_id=None)
        with transaction():
            db.session.execute(text("UPDATE customer SET credit_balance = 2000, auto_deduct = true WHERE id % 3 <> 0"))
            deduct_prepayments(on=NIGHT)
        with transaction():
            build_summaries()
        db.session.remove()
    return tenant


def logged_in(app: Flask, tenant: Tenant) -> FlaskClient:
    """A client, the manager logged in."""
    client, key = app.test_client(), captcha.issue()
    form = {"username": "admin", "password": PASSWORD, "captcha_id": key, "captcha": captcha.answer(key) or ""}
    app.config["WTF_CSRF_ENABLED"] = False
    # Apart from the other plant's, whose manager would still be the one who is logged in.
    done = Context().run(client.post, "/login", data=form, base_url=f"http://{tenant.slug}.localhost")
    assert done.status_code == 302
    app.config["WTF_CSRF_ENABLED"] = True
    return client


def seconds(client: FlaskClient, tenant: Tenant, path: str) -> float:
    """Of one request that is answered with the page."""

    today = clock.frozen() or clock.now()

    def ask() -> Any:
        with clock.at(today):
            return client.get(path, base_url=f"http://{tenant.slug}.localhost")

    start = time.perf_counter()
    answer = Context().run(ask)
    spent = time.perf_counter() - start
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return spent


def changed(tenant: Tenant) -> None:
    """Everything may have changed in the plant, so that no sum is remembered."""
    with context.use(tenant):
        remembered.forget()
    kept.forget()


def measure(app: Flask, tenants: dict[int, Tenant], rounds: int) -> dict[str, dict[int, tuple[float, float]]]:
    """Page → customers → seconds (first, again). The plants take turns, so that a busy moment falls on all of them."""
    clients, found = {size: logged_in(app, tenant) for size, tenant in tenants.items()}, {}
    for name, template in PAGES.items():
        paths = {size: template.format(last=max(1, size // 20)) for size in tenants}
        first, again = {}, {size: list[float]() for size in tenants}
        for size, tenant in tenants.items():
            seconds(clients[size], tenant, paths[size])
            changed(tenant)
            first[size] = seconds(clients[size], tenant, paths[size])
        for _ in range(rounds):
            for size, tenant in tenants.items():
                again[size].append(seconds(clients[size], tenant, paths[size]))
        found[name] = {size: (first[size], statistics.median(again[size])) for size in tenants}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ground.ground() as (app, postgres):
        sizes = {300: filled("small", 300), options.customers: filled("large", options.customers)}
        ground.settle_disk(postgres, "")
        spent = measure(app, sizes, options.rounds)
    rows = {}
    for name, by_size in spent.items():
        small, large = by_size[300], by_size[options.customers]
        rows[name] = {
            "ms_300": round(small[1] * 1000, 1),
            f"ms_{options.customers}": round(large[1] * 1000, 1),
            "ratio": round(large[1] / small[1], 2),
            "first_ratio": round(large[0] / small[0], 2),
        }
    worst = max(rows.values(), key=lambda row: row["ratio"])["ratio"]
    print(json.dumps({"worst_ratio": worst, "pages": rows}, ensure_ascii=False, indent=1))
