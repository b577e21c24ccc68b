"""Every route names who may pass; every task names whose plant it works for; migrations equal the models."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from alembic.operations.ops import UpgradeOps
from flask import Flask

from app.permissions import ROLES, Permission, allowed
from migrations.__main__ import difference
from tenants.session import engine

ROOT = Path(__file__).parent.parent.parent

# role → what it may do, written out once more, so that a change of the map is a change of two places.
MAY = {
    "cashier": {
        "view_home", "view_basics", "view_customers", "view_meters", "view_readings", "view_bills", "charge",
        "view_reports", "view_all_books",
    },
    "reader": {"view_home", "view_customers", "view_meters", "view_readings", "enter_readings"},
    "accountant": {
        "view_home", "view_basics", "view_customers", "view_meters", "view_readings", "view_bills", "issue_bills",
        "reverse", "view_reports", "edit_tariffs", "view_all_books", "view_all_takings",
    },
    "clerk": {
        "view_home", "view_basics", "view_customers", "view_meters", "view_readings", "edit_basics", "edit_customers",
        "edit_meters", "enter_readings", "review_readings", "manage_readers", "view_all_books",
        "see_personal",
    },
    "manager": {permission.value for permission in Permission},
}  # fmt: skip


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_may_do_what_the_table_says(role: str, permission: Permission) -> None:
    assert allowed(role, permission) == (permission.value in MAY[role])


def test_every_route_names_its_permission(app: Flask) -> None:
    unnamed = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "permission")
    }
    assert unnamed == set()


def test_every_task_works_for_a_plant_or_for_the_platform() -> None:
    bases = []
    for file in sorted((ROOT / "worker").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for decorator in getattr(node, "decorator_list", []):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(".task"):
                    bases.append({k.arg: ast.unparse(k.value) for k in decorator.keywords}.get("base"))
    assert bases
    assert set(bases) <= {"TenantTask", "PlatformTask"}


@pytest.mark.parametrize("tree", ["tenant", "platform"])
def test_migrations_equal_the_models(app: Flask, tree: str) -> None:
    with engine().connect() as connection:
        default = connection.dialect.default_schema_name
        try:
            _, script = difference(connection, tree)
        finally:
            connection.rollback()
            connection.dialect.default_schema_name = default
    assert isinstance(script.upgrade_ops, UpgradeOps)
    assert script.upgrade_ops.as_diffs() == []
