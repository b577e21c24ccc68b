"""Where the doors keep what they know for a while: in Redis, each door's apart from every other's."""

from __future__ import annotations

import ipaddress
from typing import Any

from flask import current_app, has_request_context, request
from redis import Redis

from tenants import context

CONSOLE = "console"


def redis() -> Redis:
    """The app's Redis connection pool."""
    found: Any = current_app.extensions["redis"]
    return found  # type: ignore[no-any-return]


def door() -> str:
    """Whose door it is: the operator's on the operator's pages, else that of the plant in force."""
    if has_request_context() and request.blueprint == CONSOLE:
        return CONSOLE
    tenant = context.current_or_none()
    return str(tenant.id) if tenant else CONSOLE


def network(address: str | None) -> str:
    """Whoever an address stands for: itself, and of IPv6 the 64 bits that a household gets."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "nowhere"
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
