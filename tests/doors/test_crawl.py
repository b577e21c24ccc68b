"""All routes, all roles, two plants: whoever has no business here is turned away at the door, and nothing has moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import delete

from app import create_app
from app.permissions import ROLES, allowed
from tenants import passwords
from tenants.context import Tenant
from tenants.models import Operator
from tenants.session import platform
from tests.conftest import PASSWORD, Site
from tests.doors.crawl import FOREIGN, Door, doors, guarded, of_the_plant, stored

CLOSED = (401, 403, 404)
HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def ours_doors(app: Flask, ours: Tenant) -> list[Door]:
    """Every door with our keys."""
    return doors(app, ours)


@pytest.fixture(scope="module")
def theirs_doors(app: Flask, theirs: Tenant) -> list[Door]:
    """Every door with the other plant's keys."""
    return doors(app, theirs)


def entered(app: Flask, tenant: Tenant, role: str = "manager") -> Site:
    """The plant's site, somebody of that role logged in."""
    site = Site(app, tenant)
    assert site.log_in(role).status_code == 302
    return site


def is_shut(answer: object) -> bool:
    """Turned away, or asked who one is."""
    code, to = answer.status_code, answer.headers.get("Location", "")  # type: ignore[attr-defined]
    return code in CLOSED or (code == 302 and to.startswith(("/login", "/console/login")))


def told(found: dict[str, object]) -> str:
    return "\n".join(f"{door}: {what}" for door, what in found.items())


@pytest.fixture
def nothing_moves(ours: Tenant, theirs: Tenant) -> Iterator[None]:
    """What both plants hold is afterwards what it was before."""
    before = stored(ours), stored(theirs)
    yield
    assert (stored(ours), stored(theirs)) == before


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_nobody_gets_in(app: Flask, ours: Tenant, ours_doors: list[Door], headers: dict[str, str]) -> None:
    site = Site(app, ours)
    found = {str(door): door.knock(site, headers=headers) for door in guarded(ours_doors)}
    assert told({door: answer.status for door, answer in found.items() if not is_shut(answer)}) == ""
    assert len(found) > 130


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_passes_its_own_doors_only(
    app: Flask, ours: Tenant, ours_doors: list[Door], theirs: Tenant, role: str
) -> None:
    site = entered(app, ours, role)
    before = stored(ours)
    wrong: dict[str, object] = {}
    for door in guarded(ours_doors):
        may = all(allowed(role, one) for one in door.permissions)  # type: ignore[arg-type]
        if may and door.method == "POST":
            continue  # what it does is its slice's test
        answer = door.knock(site)
        fine = answer.status_code in (200, 302, 403, 404) if may else answer.status_code == 403
        if not fine or FOREIGN.encode() in answer.data:
            wrong[str(door)] = answer.status
    assert told(wrong) == ""
    # Only the log may have grown: it counts the copies of a receipt.
    assert stored(ours) | {"audit_entry": ""} == before | {"audit_entry": ""}


@pytest.mark.usefixtures("nothing_moves")
def test_the_other_plants_keys_lead_nowhere(app: Flask, ours: Tenant, theirs_doors: list[Door]) -> None:
    site = entered(app, ours)
    wrong: dict[str, object] = {}
    keyed = [door for door in guarded(theirs_doors) if door.keyed]
    for door in keyed:
        for headers in ({}, HTMX):
            answer = door.knock(site, headers=headers)
            if answer.status_code != 404 or FOREIGN.encode() in answer.data:
                wrong[str(door)] = answer.status
    assert told(wrong) == ""
    assert len(keyed) > 70


@pytest.mark.usefixtures("nothing_moves")
def test_a_cookie_carried_to_the_other_plant_is_nobodys(
    app: Flask, ours: Tenant, theirs: Tenant, ours_doors: list[Door], theirs_doors: list[Door]
) -> None:
    site = entered(app, ours)
    there = Site(app, theirs)
    cookie = site.client.get_cookie("qingqu", domain=f"{ours.slug}.localhost")
    assert cookie
    wrong: dict[str, object] = {}
    for door in guarded(theirs_doors) + guarded(ours_doors):
        there.client.set_cookie("qingqu", cookie.value, domain=f"{theirs.slug}.localhost")
        answer = door.knock(there)
        if not is_shut(answer):
            wrong[str(door)] = answer.status
    assert told(wrong) == ""


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize("host", ["nowhere.localhost", "console.localhost", "localhost", "evil.example", "127.0.0.1"])
def test_another_host_has_no_doors(app: Flask, ours: Tenant, ours_doors: list[Door], host: str) -> None:
    site = entered(app, ours)
    cookie = site.client.get_cookie("qingqu", domain=f"{ours.slug}.localhost")
    assert cookie
    site.base = f"http://{host}"
    site.client.set_cookie("qingqu", cookie.value, domain=host)
    free = ("static", "health.alive", "health.ready")
    found = {str(d): d.knock(site) for d in of_the_plant(ours_doors) if d.endpoint not in free}
    wrong = {name: answer.status for name, answer in found.items() if answer.status_code != 404}
    wrong.pop("GET /", None) if host == "console.localhost" else None  # leads to the operator's list
    assert told(dict(wrong)) == ""


def test_the_operators_doors_are_the_operators(app: Flask, ours: Tenant, ours_doors: list[Door]) -> None:
    console = [door for door in ours_doors if door.endpoint.startswith("console.")]
    site = entered(app, ours)
    found = {str(door): door.knock(site).status_code for door in console}
    assert set(found.values()) == {404}, told(dict(found))
    cookie = site.client.get_cookie("qingqu", domain=f"{ours.slug}.localhost")
    assert cookie
    site.base = "http://console.localhost"
    site.client.set_cookie("qingqu", cookie.value, domain="console.localhost")
    shut = {str(d): is_shut(d.knock(site)) for d in console if d.permission}
    assert all(shut.values()), told(dict(shut))
    assert len(shut) > 3


@pytest.mark.usefixtures("nothing_moves")
def test_an_operator_is_nobody_in_a_plant(app: Flask, ours: Tenant, ours_doors: list[Door]) -> None:
    with platform() as session:
        session.execute(delete(Operator).where(Operator.username == "crawler"))
        values = {"username": "crawler", "password_hash": passwords.hashed(PASSWORD), "name": "周运营"}
        session.add(Operator(**values, active=True, created_at=datetime.now(UTC)))
    site = Site(app, ours)
    home, site.base = site.base, "http://console.localhost"
    assert site.post("/console/login", data={"username": "crawler", "password": PASSWORD}).location == "/console/"
    cookie = site.client.get_cookie("qingqu", domain="console.localhost")
    assert cookie
    site.base = home
    wrong: dict[str, object] = {}
    for door in guarded(ours_doors):
        site.client.set_cookie("qingqu", cookie.value, domain=f"{ours.slug}.localhost")
        answer = door.knock(site)
        if not is_shut(answer):
            wrong[str(door)] = answer.status
    assert told(wrong) == ""


@pytest.mark.parametrize("token", [None, "", "IjEyMyI.aaaa.bbbb", "<script>"])
def test_nothing_is_done_without_the_pages_own_token(
    app: Flask, ours: Tenant, ours_doors: list[Door], token: str | None
) -> None:
    config = {name: app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    strict = create_app(**config, TESTING=True)
    site, careless = Site(strict, ours), entered(app, ours)
    cookie = careless.client.get_cookie("qingqu", domain=f"{ours.slug}.localhost")
    assert cookie
    site.client.set_cookie("qingqu", cookie.value, domain=f"{ours.slug}.localhost")
    assert site.get("/").status_code == 200
    before = stored(ours)
    data = {} if token is None else {"csrf_token": token}
    posts = [door for door in of_the_plant(ours_doors) if door.method == "POST"]
    found = {str(door): door.knock(site, data=data).status_code for door in posts}
    assert set(found.values()) == {400}, told(dict(found))
    assert stored(ours) == before
    assert len(posts) > 60


def test_nothing_is_done_at_the_console_without_its_own_token(app: Flask, ours_doors: list[Door]) -> None:
    config = {name: app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    client = create_app(**config, TESTING=True).test_client()
    posts = [door for door in ours_doors if door.endpoint.startswith("console.") and door.method == "POST"]
    found = {str(door): client.post(door.path, base_url="http://console.localhost").status_code for door in posts}
    assert set(found.values()) == {400}, told(dict(found))
    assert len(posts) > 10


def test_no_door_opens_to_other_methods(app: Flask, ours: Tenant, ours_doors: list[Door]) -> None:
    site = entered(app, ours)
    before = stored(ours)
    wrong: dict[str, object] = {}
    for path in sorted({door.path for door in ours_doors if not door.endpoint.startswith("console.")}):
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            answer = site.client.open(path, base_url=site.base, method=method)
            if answer.status_code not in (404, 405):
                wrong[f"{method} {path}"] = answer.status
    assert told(wrong) == ""
    assert stored(ours) == before
