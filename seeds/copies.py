"""Exact copies of a plant, identities and sequences too: for benches and for tests that need many plants at once."""

from __future__ import annotations

from app.db import db
from tenants import provisioning
from tenants.context import Tenant
from tenants.session import engine, quoted


def copy_plant(source: Tenant, slug: str) -> Tenant:
    """Open a plant that holds what the other one holds."""
    tenant = provisioning.create_plant(slug, name=slug)
    a, b = quoted(source.schema), quoted(tenant.schema)
    with engine().begin() as connection:
        for table in db.metadata.sorted_tables:
            columns = ", ".join(quoted(column.name) for column in table.columns)
            connection.exec_driver_sql(
                f"INSERT INTO {b}.{table.name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {a}.{table.name}"
            )
            for column in table.columns:
                if column.identity:
                    next_one = f"SELECT coalesce(max({column.name}), 0) + 1 FROM {a}.{table.name}"
                    sequence = f"pg_get_serial_sequence('{b}.{table.name}', '{column.name}')"
                    connection.exec_driver_sql(f"SELECT setval({sequence}, ({next_one}), false)")
    return tenant
