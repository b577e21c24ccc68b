"""From a host name to a plant, by a cached look-up in the registry."""

from __future__ import annotations

import time
from threading import Lock

from flask import current_app
from sqlalchemy import or_, select

from tenants.context import Tenant
from tenants.models import Plant
from tenants.provisioning import as_tenant
from tenants.session import registry

LIFETIME = 5.0  # seconds; after a suspension in another process the old answer lives this long

_cache: dict[str, tuple[float, Tenant | None]] = {}
_lock = Lock()


def subdomain(host: str) -> str | None:
    """The label before BASE_DOMAIN ('shiquan' of 'shiquan.localhost:8000'), '' for the bare domain, None elsewhere."""
    name = host.rsplit(":", 1)[0].lower().rstrip(".")
    base = str(current_app.config["BASE_DOMAIN"])
    if name == base:
        return ""
    return name[: -len(base) - 1] if name.endswith("." + base) else None


def by_host(host: str) -> Tenant | None:
    """The plant that lives at a host name: its subdomain, or a domain of its own."""
    name = host.rsplit(":", 1)[0].lower().rstrip(".")
    found = _cache.get(name)
    if found and time.monotonic() - found[0] < LIFETIME:
        return found[1]
    label = subdomain(host)
    with registry() as session:
        plant = session.scalar(select(Plant).where(or_(Plant.slug == (label or ""), Plant.domain == name)))
    tenant = as_tenant(plant) if plant else None
    with _lock:
        if len(_cache) > 10_000:  # names that nobody has are remembered too, so bound the memory
            _cache.clear()
        _cache[name] = (time.monotonic(), tenant)
    return tenant


def by_slug(slug: str) -> Tenant | None:
    """The plant with this subdomain, straight from the registry."""
    with registry() as session:
        plant = session.scalar(select(Plant).where(Plant.slug == slug))
    return as_tenant(plant) if plant else None


def forget() -> None:
    """Drop the cache of this process (a plant was renamed, suspended or removed)."""
    with _lock:
        _cache.clear()
