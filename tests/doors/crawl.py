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

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def knock(self, site: Any, **kwargs: Any) -> Any:
        """What is answered."""
        return (site.post if self.method == "POST" else site.get)(self.path, **kwargs)


def _value(argument: str) -> Any:
    if argument in PLAIN:
        return PLAIN[argument]
    found = db.session.scalar(text((SAMPLES | MORE_SAMPLES)[argument]))
    assert found, f"the plant has no {argument}"
    return found


def _addresses(rule: Rule) -> str:
    values = {argument: _value(argument) for argument in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]


def doors(app: Flask, tenant: Tenant) -> list[Door]:
    """Every route with every method, its keys those of a plant."""
    found = []
    with context.use(tenant):
        for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
            permission = getattr(app.view_functions[rule.endpoint], "permission", None)
            path = _addresses(rule)
            keyed = any(argument not in PLAIN for argument in rule.arguments)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                found.append(Door(method, path, rule.endpoint, permission, keyed))
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
