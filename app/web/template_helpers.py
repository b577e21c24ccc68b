"""What templates may call: money, dates, permissions, the menu, addresses of files."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, url_for

from app import clock, periods, personal
from app.money import fmt_yuan
from app.permissions import Permission, can, role_name
from app.web.confirm import confirm_url
from app.web.forms import in_dialog
from app.web.menu import visible_menu
from tenants import context


def volume(value: Decimal | None) -> str:
    """'12' or '12.5' m³, without useless zeros."""
    if value is None:
        return "—"
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def day(value: date | datetime | None) -> str:
    """'2026-10-05'; a moment is shown in the plant's time."""
    if value is None:
        return "—"
    return moment(value)[:10] if isinstance(value, datetime) else value.isoformat()


def moment(value: datetime | None) -> str:
    """'2026-10-05 14:30' in the plant's time."""
    if value is None:
        return "—"
    tenant = context.current_or_none()
    return f"{value.astimezone(ZoneInfo(tenant.timezone if tenant else 'Asia/Shanghai')):%Y-%m-%d %H:%M}"


def _version(name: str) -> str:
    file = Path(str(current_app.static_folder)) / name
    return f"{file.stat().st_mtime_ns:x}" if file.exists() else "0"


_version_once = cache(_version)  # a page has a hundred icons


def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so a browser may keep it for ever."""
    version = _version(name) if current_app.debug else _version_once(name)
    return f"{current_app.static_url_path}/{name}?v={version}"


def home_url() -> str:
    """Where a person starts."""
    return url_for("dashboard.home") if has("dashboard.home") else "/"


def has(endpoint: str) -> bool:
    """Whether there is such a page, so that a link to it may be offered."""
    return endpoint in current_app.view_functions


def current_period() -> str:
    """The period that today lies in."""
    return periods.of(clock.today())


GLOBALS: dict[str, Any] = {  # macros see these too, as they are imported without context
    "asset": asset,
    "home_url": home_url,
    "confirm_url": confirm_url,
    "current_period": current_period,
    "can": can,
    "has": has,
    "in_dialog": in_dialog,
    "P": Permission,
    "menu": visible_menu,
    "today": clock.today,
    "role_name": role_name,
}


def init(app: Flask) -> None:
    """Register filters and globals."""
    app.jinja_env.filters.update(yuan=fmt_yuan, volume=volume, day=day, moment=moment, period=periods.label)
    app.jinja_env.filters.update(phone=personal.phone, id_card=personal.id_card)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(GLOBALS)
    app.context_processor(lambda: {"plant": context.current_or_none(), "support": g.get("support")})
