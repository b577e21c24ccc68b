"""What a plant's database role may do: its own schema, and no change of what is posted."""

from __future__ import annotations

from sqlalchemy import Connection, text

from tenants.session import quoted

# Written once, corrected only by a new, opposite row. The role cannot UPDATE or DELETE here.
POSTED_TABLES = ("audit_entry", "bill", "billing_run", "ledger_entry", "payment", "posting", "settlement")


def create_statements(role: str, *, server_version: int) -> list[str]:
    """SQL that makes the role and lets the app's login step into it (PostgreSQL 16 asks for SET explicitly)."""
    options = " WITH INHERIT FALSE, SET TRUE" if server_version >= 16 else ""
    return [f"CREATE ROLE {quoted(role)} NOLOGIN", f"GRANT {quoted(role)} TO CURRENT_USER{options}"]


def grant_statements(schema: str, role: str) -> list[str]:
    """SQL that gives the role its rights on every table of the schema, as it stands now."""
    s, r = quoted(schema), quoted(role)
    posted = ", ".join(f"{s}.{quoted(t)}" for t in POSTED_TABLES)
    return [
        f"GRANT USAGE ON SCHEMA {s} TO {r}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {s} TO {r}",
        f"REVOKE UPDATE, DELETE ON {posted} FROM {r}",
    ]


def server_version(connection: Connection) -> int:
    """The server's major version."""
    return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10000
