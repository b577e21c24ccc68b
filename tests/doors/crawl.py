"""Every address of the app, whatever the methods, and what a plant holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from app.db import db
from app.permissions import Permission
from tenants import context
from tenants.context import Tenant
from tests.pages import SAMPLES

FOREIGN = "外村"
# What an argument may be that tests/pages.py needs no sample of. A new one must be added, or there is no knocking.
MORE_SAMPLES = {"job_id": "SELECT max(id) FROM import_job"}
# The same of what hangs on a book, of the books of one reader; a new argument must be in here or in WHOLE.
OF_READER = {
    "route_id": "SELECT min(id) FROM route WHERE reader_id = :reader",
    "customer_id": "SELECT min(c.id) FROM customer c JOIN payment p ON p.customer_id = c.id WHERE c.route_id IN {mine}",
    "binding_id": "SELECT min(b.id) FROM meter_binding b JOIN customer c ON c.id = b.customer_id WHERE c.route_id IN {mine}",
    "meter_id": "SELECT min(b.meter_id) FROM meter_binding b JOIN customer c ON c.id = b.customer_id WHERE c.route_id IN {mine}",
    "reading_id": "SELECT max(r.id) FROM reading r JOIN customer c ON c.id = r.customer_id WHERE c.route_id IN {mine}",
    "payment_id": "SELECT max(p.id) FROM payment p JOIN customer c ON c.id = p.customer_id WHERE c.route_id IN {mine}",
    "job_id": "SELECT max(id) FROM import_job WHERE by_id = :reader",
}
WHOLE = {"district_id", "reader_id", "person_id", "run_id", "tariff_id", "version_id", "quota_id"}  # the plant's
PLAIN = {
    "day": "2026-11-01", "plant_id": 1, "operator_id": 1, "key": "2026-10", "ask": "delete-customer", "filename": "app.js",
    "action": "suspended", "ticket": "made-up", "file": "a.zip",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """A route with one of its methods, and an address made with keys of a plant."""

    method: str
    path: str
    endpoint: str
    permission: Permission | str | None  # None: for everybody
    keyed: bool  # whether its address names something of the plant
    permissions: tuple[Permission | str | None, ...] = ()  # all that it asks for
    of_book: bool = False  # whether what it names hangs on a book

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def knock(self, site: Any, **kwargs: Any) -> Any:
        """What is answered."""
        return (site.post if self.method == "POST" else site.get)(self.path, **kwargs)


def _value(argument: str, reader: int | None) -> Any:
    if argument in PLAIN:
        return PLAIN[argument]
    samples = SAMPLES | MORE_SAMPLES | (OF_READER if reader else {})
    query = samples[argument].replace("{mine}", "(SELECT id FROM route WHERE reader_id = :reader)")
    found = db.session.scalar(text(query), {"reader": reader} if ":reader" in query else {})
    assert found, f"the plant has no {argument}"
    return found


def _addresses(rule: Rule, reader: int | None) -> str:
    values = {argument: _value(argument, reader) for argument in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]


def doors(app: Flask, tenant: Tenant, *, reader: int | None = None) -> list[Door]:
    """Every route with every method, its keys those of a plant; what hangs on a book is of that reader's."""
    found = []
    with context.use(tenant):
        for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
            view = app.view_functions[rule.endpoint]
            permission = getattr(view, "permission", None)
            path = _addresses(rule, reader)
            keyed = any(argument not in PLAIN for argument in rule.arguments)
            of_book = not OF_READER.keys().isdisjoint(rule.arguments)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                also = getattr(view, "permissions", (permission,))
                found.append(Door(method, path, rule.endpoint, permission, keyed, also, of_book))
        db.session.remove()
    return found


def of_the_plant(found: list[Door]) -> list[Door]:
    """Without the operator's."""
    return [door for door in found if not door.endpoint.startswith("console.")]


def guarded(found: list[Door]) -> list[Door]:
    """Those that not everybody may pass."""
    return [door for door in of_the_plant(found) if isinstance(door.permission, Permission)]


def _rows(tenant: Tenant) -> Iterator[tuple[str, str]]:
    with context.use(tenant):
        tables = db.session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
        ).all()
        counted = " UNION ALL ".join(
            f"SELECT '{table}', md5(coalesce(string_agg(row, '|' ORDER BY row), '')) "
            f"FROM (SELECT CAST(to_jsonb(t) - 'last_login_at' AS text) AS row FROM \"{table}\" t) rows"
            for table in tables
        )
        yield from ((name, digest) for name, digest in db.session.execute(text(counted)))
        db.session.remove()


def stored(tenant: Tenant) -> dict[str, str]:
    """A fingerprint of each table."""
    return dict(_rows(tenant))
