"""What becomes of a plant after its opening: another name, suspended, resumed, archived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenants import backup, operator_log, resolver
from tenants.models import Plant
from tenants.operator_log import By
from tenants.provisioning import PlantError
from tenants.session import platform

GRACE = timedelta(days=30)  # from archiving until a plant may be deleted
LABELS = {"name": "名称", "county": "所在县", "domain": "自有域名"}
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})")


def check_domain(said: str) -> str | None:
    """A host name of a plant's own as browsers send it (lower case, Chinese in punycode); None for ''. PlantError."""
    name = said.strip().lower().rstrip(".")
    if not name:
        return None
    try:
        host = name.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not _HOST.fullmatch(host):
        raise PlantError(f"「{said}」不是域名，请只写域名，例如 water.example.cn。", field="domain")
    base = str(current_app.config["BASE_DOMAIN"])
    if host == base or host.endswith("." + base):
        raise PlantError(f"{base} 下面的网址由子域名决定，这里填水厂自己买的域名。", field="domain")
    return host


@contextmanager
def _changing(plant_id: int) -> Iterator[tuple[Session, Plant]]:
    """The plant's row, locked; afterwards this process asks the registry anew, others within resolver.LIFETIME."""
    with platform() as session:
        plant = session.get(Plant, plant_id, with_for_update=True)
        if plant is None:
            raise PlantError("没有这座水厂，可能刚被删除。")
        yield session, plant
    resolver.forget()


def change(plant_id: int, *, name: str, county: str, domain: str, by: By) -> bool:
    """Another name, county or domain; False where nothing is different. PlantError."""
    if not name.strip():
        raise PlantError("请填写水厂名称。", field="name")
    values: Mapping[str, str | None] = {"name": name.strip(), "county": county.strip(), "domain": check_domain(domain)}
    try:
        with _changing(plant_id) as (session, plant):
            old = {key: getattr(plant, key) for key in values}
            told = [
                f"{LABELS[key]}：{old[key] or '无'} → {new or '无'}" for key, new in values.items() if old[key] != new
            ]
            if told:
                operator_log.note(session, by, "changed", plant, "；".join(told))
            for key, new in values.items():
                setattr(plant, key, new)
            session.flush()
    except IntegrityError as error:
        raise PlantError("这个域名已经给了别的水厂，请核对。", field="domain") from error
    return bool(told)


# action → the states it leads from, and the one it leads to
MOVES = {
    "suspended": (("active",), "suspended"),
    "resumed": (("suspended", "archived"), "active"),
    "archived": (("active", "suspended"), "archived"),
}


def move(plant_id: int, action: str, *, reason: str, by: By) -> bool:
    """Suspend, resume or archive; False where somebody has already. `reason` is read by the plant's people. PlantError."""
    reason = reason.strip()
    leads_from, state = MOVES[action]
    if action != "resumed" and not reason:
        raise PlantError("请填写原因，水厂的人会看到它。", field="reason")
    with _changing(plant_id) as (session, plant):
        if plant.state not in leads_from:
            return False
        plant.state, plant.state_reason, plant.state_since = state, "" if state == "active" else reason, _now(session)
        operator_log.note(session, by, action, plant, reason)
    return True


def _now(session: Session) -> datetime:
    """The registry's clock: machines may differ."""
    return session.scalar(select(func.now())) or datetime.now(UTC)


def deletable_from(plant: Plant) -> datetime | None:
    """When the grace period is over; None for a plant that is not archived."""
    return plant.state_since + GRACE if plant.state == "archived" and plant.state_since else None


def check_deletable(plant: Plant) -> None:
    """PlantError where the plant may not be deleted: not archived, too early, or no place for its export."""
    since = deletable_from(plant)
    if since is None:
        raise PlantError("先归档，过了保留期才能删除。", field="slug")
    if datetime.now(UTC) < since:
        day = since.astimezone(operator_log.HERE).date()
        raise PlantError(f"归档后保留 {GRACE.days} 天，{day} 以后才能删除。", field="slug")
    handed_over()


def delete(plant_id: int, typed: str, *, by: By) -> Path:
    """Remove an archived plant for good; returns the file of its export, which is handed over. PlantError as above."""
    with platform() as session:
        plant = session.get_one(Plant, plant_id)
    check_deletable(plant)
    if typed.strip() != plant.slug:
        raise PlantError(f"请输入「{plant.slug}」，一字不差，表示确定要删除这座水厂。", field="slug")
    path = handed_over() / f"{plant.slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    backup.drop_plant(plant.slug, path)
    with platform() as session:
        operator_log.note(session, by, "deleted", plant, path.name)
    return path


def handed_over() -> Path:
    """Where the exports of deleted plants lie. PlantError where EXPORT_DIR is not set."""
    if not current_app.config["EXPORT_DIR"]:
        raise PlantError(
            "删除前要先把数据存成文件，可是服务器上没有设置放文件的文件夹（EXPORT_DIR）。请让管服务器的人设好再来。",
            field="slug",
        )
    return Path(current_app.config["EXPORT_DIR"]) / "deleted"
