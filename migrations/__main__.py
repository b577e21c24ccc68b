"""Write a revision: what the models say and a freshly migrated schema does not."""

from __future__ import annotations

import sys

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import rev_id
from flask import Flask
from sqlalchemy import Connection, text

from app import models as models
from app.db import Base
from tenants import migrate
from tenants.models import PlatformBase
from tenants.session import engine

SCRATCH = {"tenant": "migration_scratch", "platform": "platform"}
METADATA = {"tenant": Base.metadata, "platform": PlatformBase.metadata}


def difference(connection: Connection, tree: str) -> tuple[MigrationContext, MigrationScript]:
    """Alembic's operations from the tree's head to the models, found in an empty schema that the caller rolls back."""
    schema = SCRATCH[tree]
    connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
    connection.execute(text(f"CREATE SCHEMA {schema}"))
    connection.execute(text(f"SET LOCAL search_path = {schema}"))
    migrate.apply(connection, tree, None)
    named = tree == "platform"  # its tables carry their schema's name, a plant's do not
    connection.dialect.default_schema_name = "public" if named else schema
    options = {
        "compare_type": True,
        "include_schemas": named,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == (schema if named else None),
        "include_object": lambda _object, name, kind, *_: not (kind == "table" and name == "revision"),
    }
    context = MigrationContext.configure(connection, opts=options)
    return context, produce_migrations(context, METADATA[tree])


def write(tree: str, message: str) -> None:
    """Add the revision file to migrations/<tree>/versions."""
    with engine().connect() as connection:
        default = connection.dialect.default_schema_name
        context, script = difference(connection, tree)
        assert script.upgrade_ops
        code = render_python_code(script.upgrade_ops, migration_context=context)
        connection.rollback()
        connection.dialect.default_schema_name = default
    made = migrate.tree(tree).generate_revision(rev_id()[:8], message, upgrades=code)
    print(made.path if made else "nothing")


def main(app: Flask) -> None:
    """`python -m migrations TREE MESSAGE`."""
    with app.app_context():
        write(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    from wsgi import app

    main(app)
