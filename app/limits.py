"""How much is asked in a minute: by plant and address, and by each plant as a whole, so that one village under attack
slows no other. What is refused for its address does not count against the plant, whose other people go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Response, current_app, request
from flask_limiter import ApplicationLimit, Limiter
from werkzeug.exceptions import HTTPException

from tenants import resolver
from tenants.entry.store import CONSOLE, network

FREE_PATHS = ("/static/", "/healthz", "/readyz", "/metrics")  # of machines: no plant, no session, no limit
DOORS = ("staff.log_in", "staff.second_step", "console.log_in", "console.second_step")
FILES = (".pdf", ".xlsx", ".zip")


def _where() -> str:
    """The plant that is asked, by a look-up that is remembered; before anything else is known of the request."""
    try:
        if resolver.subdomain(request.host) == current_app.config["CONSOLE_HOST"]:
            return CONSOLE
        tenant = resolver.by_host(request.host)
    except HTTPException:  # no host name at all
        tenant = None
    return str(tenant.id) if tenant else "nowhere"


def _from_where() -> str:
    return f"{_where()}:{network(request.remote_addr)}"


def _is_light() -> bool:
    """Neither an import nor a file that has to be made."""
    sends = request.method == "POST" and request.blueprint == "intake"
    return not (sends or "export" in request.args or request.path.endswith(FILES))


def _is_no_login() -> bool:
    return request.method != "POST" or request.endpoint not in DOORS


def _was_refused(response: Response) -> bool:
    return response.status_code == 422


def _setting(name: str) -> Callable[[], str]:
    return lambda: str(current_app.config[name])


# In this order: the first that is broken ends it, and only those before it have counted.
_LIMITS = [
    ApplicationLimit(
        _setting("RATE_LOGIN"), _from_where, scope="login", exempt_when=_is_no_login, deduct_when=_was_refused
    ),
    ApplicationLimit(_setting("RATE_HEAVY"), _from_where, scope="heavy", exempt_when=_is_light),
    ApplicationLimit(_setting("RATE_ADDRESS"), _from_where, scope="address"),
    ApplicationLimit(_setting("RATE_PLANT"), _where, scope="plant"),
]
limiter = Limiter(
    _from_where,
    application_limits=list(_LIMITS),
    key_prefix="limits",
    swallow_errors=True,
    request_identifier=lambda: request.endpoint or "nowhere",  # addresses that lead nowhere count too
)


@limiter.request_filter
def _is_free() -> bool:
    return request.path.startswith(FREE_PATHS)


def seconds_left() -> int:
    """How long whoever was refused has to wait."""
    broken = limiter.current_limit
    return max(1, broken.reset_at - 1 - int(time.time())) if broken else 60
