"""Which plant the running code works for. No plant, no query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class NoTenant(RuntimeError):
    """A query was about to run outside any plant."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A plant as the running code needs it: a copy of its registry row, safe to cache."""

    id: int
    slug: str
    name: str
    schema: str
    role: str
    state: str
    timezone: str = "Asia/Shanghai"
    revision: str = ""  # of its tables; '' where nobody asked
    notice: str = ""  # why it is suspended, for its people to read
    read_only: bool = False  # somebody only looks: the database refuses every change


_current: ContextVar[Tenant | None] = ContextVar("tenant", default=None)


def current() -> Tenant:
    """The plant in force; raises NoTenant where there is none."""
    tenant = _current.get()
    if tenant is None:
        raise NoTenant("no plant is set: wrap the code in `with use(tenant):`")
    return tenant


def current_or_none() -> Tenant | None:
    """The plant in force, or None on the operator's pages and in the command line."""
    return _current.get()


@contextmanager
def use(tenant: Tenant | None) -> Iterator[None]:
    """Work for `tenant` inside the block; the previous plant is back afterwards, also after an error."""
    token = _current.set(tenant)
    try:
        yield
    finally:
        _current.reset(token)
