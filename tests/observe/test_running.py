"""What web and worker say in logs and metrics when they run as in production: two web processes, a real worker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.db import db, transaction
from app.jobs import enqueue
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, make_plant
from tests.intake.workbooks import sheet
from tests.observe.caller import Answer, Caller
from tests.processes import alive, free_port, running, wait_until

TOKEN = "only-for-tests-and-long-enough"
WORKER = ("celery", "-A", "worker.celery", "worker", "-Q", "people,night", "--concurrency", "1", "-l", "INFO")
NAME, PHONE, ID_CARD, ADDRESS = "欧阳不归", "13912345678", "11010519491231002x", "桃花巷十七号"


class Running:
    """The processes, and what they have said so far."""

    def __init__(self, app: Flask, folder: Path, plant: Tenant, port: int) -> None:
        self.app, self.folder, self.plant, self.port = app, folder, plant, port

    def caller(self, host: str | None = None) -> Caller:
        return Caller(self.port, host or f"{self.plant.slug}.localhost")

    def said(self, who: str) -> str:
        return (self.folder / f"{who}.log").read_text("utf-8")

    def lines(self, who: str, **wanted: object) -> list[dict[str, Any]]:
        """The events with these fields."""
        events = [json.loads(line) for line in self.said(who).split("\n")[:-1]]  # the last may be half written
        return [event for event in events if wanted.items() <= event.items()]

    def waited_for(self, who: str, **wanted: object) -> dict[str, Any]:
        """The first such event."""
        wait_until(lambda: self.lines(who, **wanted), f"{who} never said {wanted}")
        return self.lines(who, **wanted)[0]

    def metrics(self) -> dict[tuple[str, ...], float]:
        """{(name, values of the labels …): value}."""
        answer = self.caller("10.1.2.3:8000").get("/metrics", Authorization=f"Bearer {TOKEN}")
        assert answer.status == 200
        samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]
        return {(one.name, *(one.labels[name] for name in sorted(one.labels))): one.value for one in samples}


@pytest.fixture(scope="module")
def system(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("system"), free_port()
    web = ("gunicorn", "--config", "python:embedded.gunicorn_conf", "wsgi:app")
    app.extensions["redis"].flushdb()
    with ExitStack() as stack:
        settings = {"QINGQU_PORT": str(port), "METRICS_TOKEN": TOKEN, "LOG_FORMAT": "json"}
        stack.enter_context(running(app, *web, log=folder / "web.log", **settings))
        stack.enter_context(running(app, *WORKER, log=folder / "worker.log", LOG_FORMAT="json"))
        wait_until(lambda: alive(port), "the web server did not start")
        yield Running(app, folder, make_plant(), port)


def import_by_worker(system: Running, caller: Caller) -> Answer:
    """A workbook so long that the worker takes it."""
    rows = [[f"D{n}", "居民", NAME, "人", "80", "月"] for n in range(2_100)]
    caller.get("/imports/quotas")
    return caller.send(
        "/imports/quotas", sheet(["定额编号", "用水性质", "名称", "计量单位", "定额值", "周期"], *rows).getvalue()
    )


def test_a_request_and_the_task_it_causes_share_an_id(system: Running) -> None:
    caller = system.caller()
    assert caller.log_in().status == 302
    sent = import_by_worker(system, caller)
    assert sent.status == 302
    number = sent.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{4}(-[0-9a-f]{4}){2}", number)
    asked = system.waited_for("web", request_id=number)
    assert (asked["method"], asked["endpoint"], asked["status"]) == ("POST", "intake.quotas", 302)
    assert (asked["plant"], asked["user_id"], asked["level"]) == (system.plant.slug, 1, "info")
    assert asked["ms"] > 0
    done = system.waited_for("worker", request_id=number)
    assert (done["task"], done["state"], done["plant"]) == ("worker.imports.run_import", "success", system.plant.slug)
    assert done["task_id"]


def test_a_proxys_number_is_kept_where_it_is_sane(system: Running) -> None:
    caller = system.caller()
    assert caller.get("/login", X_Request_ID="proxy-0001.7f").headers["X-Request-ID"] == "proxy-0001.7f"
    system.waited_for("web", request_id="proxy-0001.7f", endpoint="staff.log_in")
    for bad in ("x", "a" * 65, "<script>", "1 2 3 4 5 6 7"):
        assert caller.get("/login", X_Request_ID=bad).headers["X-Request-ID"] != bad


def test_a_crash_is_logged_with_its_ids_and_its_number_is_shown(system: Running) -> None:
    """What was typed stands in the database's complaint, in SQLAlchemy's parameters and in the address: not in the log."""
    with db.engine.begin() as connection:
        table = f'"{system.plant.schema}".staff_user'
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (mobile = '')"))
    caller, form = system.caller(), {"name": NAME, "mobile": PHONE}
    caller.log_in()
    caller.get("/me")
    crashed = caller.post("/me?from=" + PHONE, form)
    number = crashed.headers["X-Request-ID"]
    assert crashed.status == 500
    assert f"请把编号 {number} 告诉运营人员" in crashed.text
    error = system.waited_for("web", request_id=number, level="error")
    assert (error["plant"], error["user_id"]) == (system.plant.slug, 1)
    assert "staff/views/me.py" in error["error"]
    assert 'violates check constraint "broken"\nDETAIL: ***\n' in error["error"]
    assert system.waited_for("web", request_id=number, level="info")["status"] == 500
    for headers in ({"Accept": "application/json"}, {"HX_Request": "true"}):
        again = caller.post("/me", form, **headers)
        assert again.status == 500
        assert again.headers["X-Request-ID"] in again.text


def test_a_task_that_crashes_is_logged_with_the_ids_of_its_request(system: Running) -> None:
    with context.use(system.plant), transaction():
        enqueue("worker.imports.run_import", f"{NAME} {PHONE}")  # which the database says is no number
    error = system.waited_for("worker", level="error", task="worker.imports.run_import")
    assert error["plant"] == system.plant.slug
    assert "InvalidTextRepresentation" in error["error"]
    ended = system.waited_for("worker", task_id=error["task_id"], state="failure")
    assert ended["request_id"] == error["request_id"]  # made by the worker: no request had caused it


def test_metrics_add_up_over_the_web_processes_and_name_no_plant(system: Running) -> None:
    before = system.metrics()
    caller = system.caller()
    asked = ("qingqu_http_requests_total", "staff.log_in", "GET", "200")
    for _ in range(40):  # by whichever of the two is free
        caller.get("/login")
    caller.get(f"/no/such/page/{PHONE}")
    after = system.metrics()
    assert after[asked] - before.get(asked, 0) == 40
    assert after[("qingqu_http_request_seconds_count", "staff.log_in", "GET")] == after[asked]
    assert after[("qingqu_http_requests_total", "none", "GET", "404")] >= 1
    assert after[("qingqu_db_connections_limit",)] in (10, 20)
    assert after[("qingqu_db_connections_in_use",)] == 0
    assert not [key for key in after if system.plant.slug in " ".join(key) or PHONE in " ".join(key)]


def test_metrics_know_tasks_workers_queues_and_readiness(system: Running) -> None:
    key = ("qingqu_tasks_total", "success", "worker.imports.run_import")
    before = system.metrics().get(key, 0)
    caller = system.caller()
    caller.log_in()
    import_by_worker(system, caller)
    wait_until(lambda: system.metrics().get(key, 0) == before + 1, "the task was not counted")
    wait_until(lambda: system.metrics().get(("qingqu_workers",)) == 1, "the worker was not seen")
    now = system.metrics()
    assert now[("qingqu_task_seconds_total", "worker.imports.run_import")] > 0
    assert {now[("qingqu_ready", part)] for part in ("database", "redis", "migrations")} == {1}
    assert (now[("qingqu_queue_waiting", "people")], now[("qingqu_queue_oldest_seconds", "people")]) == (0, 0)


def test_nothing_that_names_a_person_or_opens_a_door_is_in_the_logs(system: Running) -> None:
    """After all that the tests above have sent: forms, files, a crash, a query string; and a customer, a wrong password."""
    with context.use(system.plant), transaction():
        book, category = make.route().id, make.category_id()
    form = {
        "customer_no": "07000009", "holder": NAME, "phone": PHONE, "id_card": ID_CARD, "address": ADDRESS,
        "route_id": str(book), "route_seq": "7", "people": "4", "charged_by_meter": "yes", "auto_deduct": "yes",
        "use_category_id": str(category), "quota_id": "", "quota_units": "", "area": "", "note": "",
    }  # fmt: skip
    caller = system.caller()
    caller.log_in()
    caller.get("/customers/new")
    assert caller.post("/customers/new", form).status == 302
    caller = system.caller()
    caller.log_in(password="wrong-password-7")
    caller.get("/login?next=/customers?q=" + PHONE)
    system.waited_for("web", status=422)
    secrets = (NAME, PHONE, ID_CARD, ID_CARD[:17], ADDRESS, PASSWORD, "wrong-password-7", TOKEN, "csrf", "?")
    urls = [system.app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")]
    for who in ("web", "worker"):
        said = system.said(who)
        assert len(said.splitlines()) >= 3
        assert [secret for secret in (*secrets, *urls) if secret in said] == []


def test_every_line_is_one_event(system: Running) -> None:
    for who in ("web", "worker"):
        for event in system.lines(who):
            assert {"time", "level", "logger", "message"} <= event.keys()
            assert abs(datetime.now(UTC) - datetime.fromisoformat(event["time"])).days == 0
