"""Exports by the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from tenants import backup, exports
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import platform
from tests.tenants.lived import NOON, books


def test_exports_by_the_calendar_keep_the_last_ones(
    app: Flask, lived: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exports.due(NOON, limit=1000) == []
    for name, value in {"EXPORT_DIR": str(tmp_path), "EXPORT_DAYS": 7.0, "EXPORT_KEEP": 2}.items():
        monkeypatch.setitem(app.config, name, value)
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == lived.id).values(exported_at=None))
    now = datetime.now(UTC)
    assert lived.slug in exports.due(now, limit=1000)
    assert len(exports.due(now, limit=1)) == 1
    folder = tmp_path / f"{lived.slug}.{lived.id}"
    folder.mkdir()
    (folder / "killed.part").touch()
    first = exports.make(lived, now)
    assert first
    assert lived.slug not in exports.due(now, limit=1000)
    assert exports.make(lived, now + timedelta(seconds=1)) is None  # a second message
    later = [exports.make(lived, now + timedelta(days=8 * week)) for week in (1, 2)]
    assert sorted(folder.iterdir()) == later
    back = backup.import_plant(folder / later[-1].name, slug="weekly")  # type: ignore[union-attr]
    assert books(back.schema) == books(lived.schema)
