"""Every page that a plant's staff can open, with things to open it for."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from app.db import db

NO_PAGES = {  # pictures, files, fragments; the door and the operator's console have tests of their own
    "static", "health.alive", "health.ready", "health.exposition", "frame.confirm", "staff.captcha_picture",
    "staff.another_captcha", "staff.log_in", "tariffs.download", "tariffs.schema", "metering.free", "customers.standard",
    "dashboard.reading", "staff.enter_support", "staff.second_step", "frame.file_content",
}  # fmt: skip
FILES = (".pdf", ".xlsx", ".json", ".png", ".svg")
# What an argument of an address may be, as SQL.
SAMPLES = {
    "customer_id": "SELECT customer_id FROM open_item ORDER BY 1 LIMIT 1",
    "route_id": "SELECT min(id) FROM route",
    "district_id": "SELECT min(id) FROM district",
    "reader_id": "SELECT min(id) FROM staff_user WHERE role = 'reader'",
    "person_id": "SELECT min(id) FROM staff_user WHERE role = 'cashier'",
    "binding_id": "SELECT min(id) FROM meter_binding WHERE unbound_on IS NULL",
    "meter_id": "SELECT min(id) FROM meter WHERE state = 'in_use'",
    "reading_id": "SELECT max(id) FROM reading",
    "run_id": "SELECT max(id) FROM billing_run",
    "payment_id": "SELECT max(id) FROM payment",
    "tariff_id": "SELECT min(id) FROM tariff",
    "version_id": "SELECT min(id) FROM tariff_version",
    "quota_id": "SELECT min(id) FROM quota",
}
WITH_QUERY = {"customers.batch_route": "?id=1", "customers.batch_auto_deduct": "?id=1"}
# Pages of something that a fresh plant has not got; their slices' tests look at them.
ELSEWHERE = {"metering.resume", "dashboard.point", "payments.together_paid", "frame.file"}


def addresses(app: Flask) -> list[str]:
    """The address of every page, for the plant in force: with tabs and states where a page has them."""
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        name = rule.endpoint
        skipped = name in NO_PAGES or name in ELSEWHERE or name.startswith("console.") or name.endswith("_job")
        if "GET" not in (rule.methods or ()) or skipped or rule.rule.endswith(FILES):
            continue
        values = {argument: sample(argument) for argument in rule.arguments}
        found.append(rule.build(values, append_unknown=False)[1] + WITH_QUERY.get(name, ""))  # type: ignore[index]
    customer = sample("customer_id")
    tabs = ("profile", "meters", "readings", "bills", "payments", "changes")
    return found + [f"/customers/{customer}?tab={tab}" for tab in tabs]


def sample(argument: str) -> int:
    """Something of that kind that is there."""
    value = db.session.scalar(text(SAMPLES[argument]))
    db.session.rollback()
    assert value, f"the plant has no {argument}"
    return int(value)
