"""So much in a minute, by plant and address and by plant: one village under attack slows no other."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import redis
from tenants.context import Tenant
from tests.conftest import Site
from tests.tenants.conftest import BASE, console

__all__ = ["console"]
ATTACKER, OFFICE = "203.0.113.66", "203.0.113.8"


@pytest.fixture
def asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> object:
    """Sets what is allowed in a minute, from nothing counted."""

    def allow(**limits: int) -> None:
        for key in redis().scan_iter("LIMITS:*"):
            redis().delete(key)
        for name, count in limits.items():
            monkeypatch.setitem(app.config, f"RATE_{name.upper()}", f"{count} per minute")

    allow()
    return allow


def codes(site: Site, times: int, path: str = "/login", address: str = ATTACKER, **kwargs: object) -> list[int]:
    """What so many requests from an address are answered."""
    site.client.environ_base["REMOTE_ADDR"] = address
    return [site.get(path, **kwargs).status_code for _ in range(times)]


def test_an_address_at_its_limit_is_told_when_to_come_back(site: Site, asked: object) -> None:
    asked(address=3)  # type: ignore[operator]
    assert codes(site, 5) == [200] * 3 + [429] * 2
    answer = site.get("/login")
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert "请慢一点" in answer.text
    assert f"操作太频繁，请 {wait} 秒后再试。" in answer.text or f"请 {wait - 1} 秒后" in answer.text


def test_another_address_and_another_plant_go_on(app: Flask, site: Site, neighbour: Tenant, asked: object) -> None:
    asked(address=3, plant=50)  # type: ignore[operator]
    assert codes(site, 40)[-1] == 429
    assert codes(site, 3, address=OFFICE) == [200] * 3  # what was refused did not count against the plant
    assert codes(Site(app, neighbour), 3) == [200] * 3  # nor does the attacker's plant count against another


def test_a_plant_at_its_limit_leaves_every_other_alone(
    app: Flask, site: Site, neighbour: Tenant, asked: object
) -> None:
    asked(plant=6)  # type: ignore[operator]
    assert [codes(site, 2, address=f"198.51.100.{n}") for n in range(4)] == [[200, 200]] * 3 + [[429, 429]]
    assert codes(site, 1, address=OFFICE) == [429]
    assert codes(Site(app, neighbour), 4, address=OFFICE) == [200] * 4


def test_files_and_imports_are_fewer_than_pages(client: Site, asked: object) -> None:
    asked(heavy=2)  # type: ignore[operator]
    client.client.environ_base["REMOTE_ADDR"] = OFFICE
    assert codes(client, 3, "/customers?export=xlsx", OFFICE) == [200, 200, 429]
    assert client.post("/imports/meters", data={}).status_code == 429
    assert codes(client, 3, "/customers", OFFICE) == [200] * 3


def test_addresses_that_lead_nowhere_count_too(site: Site, asked: object) -> None:
    asked(address=3)  # type: ignore[operator]
    assert codes(site, 4, "/nowhere") == [404] * 3 + [429]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/app.js"])
def test_machines_and_files_of_the_look_are_not_counted(site: Site, asked: object, path: str) -> None:
    asked(address=2, plant=2)  # type: ignore[operator]
    assert 429 not in codes(site, 6, path)
    assert codes(site, 2) == [200, 200]


def test_a_fragment_gets_the_sentence_as_a_toast(site: Site, asked: object) -> None:
    asked(address=1)  # type: ignore[operator]
    assert codes(site, 2, headers={"HX-Request": "true"}) == [200, 429]
    answer = site.get("/login", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert "操作太频繁" in answer.text


def test_hosts_that_are_none_of_ours_cost_no_plant_anything(app: Flask, site: Site, asked: object) -> None:
    asked(plant=3)  # type: ignore[operator]
    client = app.test_client()
    answers = [client.get("/", base_url=f"http://made-up-{n}.localhost").status_code for n in range(5)]
    assert answers == [404] * 3 + [429] * 2
    assert codes(site, 2) == [200, 200]


def test_the_console_has_a_limit_of_its_own(site: Site, console: FlaskClient, asked: object) -> None:
    asked(plant=3)  # type: ignore[operator]
    assert codes(site, 4)[-1] == 429
    found = [console.get("/console/", base_url=BASE).status_code for _ in range(4)]
    assert found == [200] * 3 + [429]
