"""Who may read the metrics, and what they say of the fleet."""

from __future__ import annotations

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Site

TOKEN = "only-for-tests-and-long-enough"
BY_ADDRESS = "http://10.1.2.3:8000"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def token(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(app.config, "METRICS_TOKEN", TOKEN)
    return TOKEN


@pytest.mark.parametrize("base", [BY_ADDRESS, "http://console.localhost", "http://nowhere.localhost"])
def test_without_a_token_set_there_are_no_metrics(app: Flask, base: str) -> None:
    for headers in ({}, RIGHT, {"Authorization": "Bearer "}):
        assert app.test_client().get("/metrics", base_url=base, headers=headers).status_code == 404


@pytest.mark.usefixtures("token")
def test_with_a_token_set_only_who_brings_it_reads_them(app: Flask, client: Site) -> None:
    for given in ("", TOKEN[:-1], TOKEN + "x", "水"):
        headers = {"Authorization": f"Bearer {given}".encode().decode("latin-1")}
        answer = app.test_client().get("/metrics", base_url=BY_ADDRESS, headers=headers)
        assert (answer.status_code, answer.text) == (401, "")
    assert client.get("/metrics").status_code == 401  # being logged in helps nobody
    answer = app.test_client().get("/metrics", base_url=BY_ADDRESS, headers=RIGHT)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.usefixtures("token", "plant")
def test_the_fleets_state_is_told(app: Flask) -> None:
    page = app.test_client().get("/metrics", base_url=BY_ADDRESS, headers=RIGHT).text
    said = {
        (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }
    assert said["qingqu_plants", "0", "active"] >= 1
    assert said["qingqu_night_plants", "unplanned"] >= 1
    assert said["qingqu_night_jobs", "failed"] == 0
    assert said["qingqu_workers",] == 0
    assert said["qingqu_queue_waiting", "night"] == 0


@pytest.mark.usefixtures("token", "plant")
def test_what_waits_in_a_queue_is_counted_from_when_it_was_sent(app: Flask) -> None:
    for _ in range(3):
        app.extensions["celery"].send_task("worker.tasks.start_nights", queue="people")
    page = app.test_client().get("/metrics", base_url=BY_ADDRESS, headers=RIGHT).text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    waiting = {one.labels["queue"]: one.value for one in families["qingqu_queue_waiting"].samples}
    oldest = {one.labels["queue"]: one.value for one in families["qingqu_queue_oldest_seconds"].samples}
    assert waiting == {"people": 3, "night": 0}
    assert oldest["people"] > oldest["night"] == 0
    app.extensions["redis"].delete("people")
