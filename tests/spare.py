"""Plants that a test has done with, emptied for the next one: far cheaper than making 26 tables, and dropping them."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
from sqlalchemy import delete
from sqlalchemy.engine import make_url

from app.db import transaction
from app.intake.onboarding import move_in
from embedded.postgres import Postgres
from tenants import context, migrate, provisioning
from tenants.context import Tenant
from tenants.models import Plant, PlantJob, PlantMonth, SupportAccess
from tenants.session import platform

# What a test may have done to a plant besides filling its tables: such a plant is left alone.
_SHAPE = """
CREATE FUNCTION pg_temp.shape(which text) RETURNS text LANGUAGE sql AS $$
  SELECT md5(
    (SELECT string_agg(concat_ws(' ', c.relname, c.relkind, c.relnatts, c.relchecks, c.relhastriggers, c.relrowsecurity,
              replace(c.relacl::text, which, ''), c.relowner), ',' ORDER BY c.relname)
       FROM pg_class c WHERE c.relnamespace = n.oid)
    || concat_ws(' ', replace(n.nspacl::text, which, ''), n.nspowner, r.rolcanlogin, r.rolconfig, r.rolconnlimit,
         (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid),
         (SELECT count(*) FROM pg_constraint k WHERE k.connamespace = n.oid))
  ) FROM pg_namespace n JOIN pg_roles r ON r.rolname = current_database() || '_' || which WHERE n.nspname = which
$$
"""
_EMPTY = """
CREATE FUNCTION pg_temp.make_empty(which text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  one record; filled boolean; names text := '';
BEGIN
  FOR one IN SELECT c.oid, c.relkind, format('%I.%I', which, c.relname) AS name FROM pg_class c
             WHERE c.relnamespace = which::regnamespace AND c.relkind IN ('r', 'S') LOOP
    IF one.relkind = 'S' THEN
      IF pg_sequence_last_value(one.oid) IS NOT NULL THEN
        PERFORM setval(one.oid, 1, false);
      END IF;
    ELSE
      EXECUTE 'SELECT EXISTS (SELECT FROM ' || one.name || ')' INTO filled;
      IF filled THEN
        EXECUTE 'DELETE FROM ' || one.name;
        names := names || ', ' || one.name;
      END IF;
    END IF;
  END LOOP;
  RETURN substr(names, 3);
END
$$
"""


class Spares:
    """The emptied plants of one server."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._free: list[Tenant] = []
        self._shape: str | None = None
        self._connection: psycopg.Connection[tuple[str]] | None = None

    def take(self, slug: str, *, name: str, admin: str, password: str) -> Tenant | None:
        """A plant as if just opened, with a registry row of its own; None where none is left."""
        if not self._free:
            return None
        old = self._free.pop()
        with platform() as session:
            for kept in (PlantJob, PlantMonth, SupportAccess):
                session.execute(delete(kept).where(kept.plant_id == old.id))
            session.execute(delete(Plant).where(Plant.id == old.id))
            row = Plant(
                slug=slug,
                name=name,
                county="",
                schema_name=old.schema,
                role_name=old.role,
                revision=migrate.head("tenant"),
                created_at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            tenant = provisioning.as_tenant(row)
        with context.use(tenant), transaction():
            move_in(admin=admin, password=password)
        return tenant

    def learn(self, tenant: Tenant) -> None:
        """What a plant looks like that was just opened."""
        if self._shape is None:
            self._shape = self._ask("shape", tenant.schema)

    def give_back(self, tenant: Tenant) -> bool:
        """Empty it, if nothing but rows was done to it. One that somebody still holds is left as it is: False."""
        try:
            if self._shape and self._ask("shape", tenant.schema) == self._shape:
                filled = self._ask("make_empty", tenant.schema)
                if filled:  # rows of the next test lie in the order in which they came, as in a new table
                    self._connected().execute(f"VACUUM (SKIP_DATABASE_STATS) {filled}")
                self._free.append(tenant)
                return True
        except psycopg.Error:  # held by somebody, or the server was restarted
            self.close()
        return False

    def close(self) -> None:
        """Let the server go."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _ask(self, function: str, schema: str) -> str | None:
        found = self._connected().execute(f"SELECT pg_temp.{function}(%s)", [schema]).fetchone()
        return found[0] if found else None

    def _connected(self) -> psycopg.Connection[tuple[str]]:
        if self._connection is None:
            url = make_url(self._postgres.admin_url).set(drivername="postgresql")
            made = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
            for statement in (_SHAPE, _EMPTY, "SET session_replication_role = replica", "SET lock_timeout = '1s'"):
                made.execute(statement)  # replica: no foreign key asks in which order tables are emptied
            self._connection = made
        return self._connection
