"""Every plant's export by the calendar, with a real worker."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import text

from tenants import backup
from tenants.session import engine
from tests.conftest import make_plant
from tests.processes import running, wait_until

WORKER = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "2", "-l", "warning")


def test_a_tick_has_every_plant_exported_once_and_none_without_a_folder(app: Flask, tmp_path: Path) -> None:
    plants = [make_plant() for _ in range(3)]
    send, redis = app.extensions["celery"].send_task, app.extensions["redis"]
    with running(app, *WORKER, EXPORT_DIR=str(tmp_path)):
        for _ in range(2):
            send("worker.tasks.start_exports", queue="night")
            wait_until(lambda: redis.llen("night") == 0, "the queue is not empty")
        wait_until(lambda: len(list(tmp_path.glob("*/*.zip"))) == 3, "not every plant was exported")
        send("worker.tasks.start_exports", queue="night")
        wait_until(lambda: redis.llen("night") == 0, "the queue is not empty")
    files = sorted(tmp_path.glob("*/*.zip"))
    assert [file.parent.name for file in files] == sorted(f"{plant.slug}.{plant.id}" for plant in plants)
    for plant, file in zip(sorted(plants, key=lambda p: f"{p.slug}.{p.id}"), files, strict=True):
        assert backup.import_plant(file, slug=f"{plant.slug}-copy").name == plant.name
    with engine().begin() as connection:
        connection.execute(text("UPDATE platform.plant SET exported_at = NULL"))
    with running(app, *WORKER):
        send("worker.tasks.start_exports", queue="night")
        wait_until(lambda: redis.llen("night") == 0, "the queue is not empty")
    assert len(list(tmp_path.glob("*/*.zip"))) == 3
