"""What the database's PUBLIC may not do, so that SQL smuggled into a query stays in its plant and leaves nothing behind.

A plant's role reaches SQL only through our session; could it call set_config(), injected SQL could name another role or
search_path. SET itself is a statement of its own and cannot be smuggled into a query.
"""

from __future__ import annotations

SET_CONFIG = "pg_catalog.set_config(text, text, boolean)"
# What would outlive the transaction on a shared connection (ours are pg_advisory_xact_lock) …
SESSION_LOCKS = tuple(
    f"pg_catalog.pg_{lock}({key})"
    for lock in ("advisory_lock", "advisory_lock_shared", "try_advisory_lock", "try_advisory_lock_shared")
    for key in ("bigint", "integer, integer")
)
# … and what would be left in the database as the role's, so that the plant could not be dropped.
LARGE_OBJECTS = tuple(
    f"pg_catalog.{function}" for function in ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")
)
CLOSED = (SET_CONFIG, *SESSION_LOCKS, *LARGE_OBJECTS)


def revoke(function: str) -> str:
    """The statement that takes a function from everybody; a superuser's."""
    return f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC"


def grant_to(login: str) -> str:
    """pg_dump asks for set_config(); within a plant's transaction the right asked for is that of the plant's role."""
    return f"GRANT EXECUTE ON FUNCTION {SET_CONFIG} TO {login}"


NO_CREATE = "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
