"""What every answer tells the browser, and whose address counts."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.audit import AuditEntry
from app.db import db
from app.web import headers
from tenants.context import Tenant
from tests.conftest import Site


@pytest.fixture
def behind(app: Flask, plant: Tenant) -> Site:
    """The plant's site behind one proxy that ends TLS, its manager not yet logged in."""
    config = {name: app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    tls = {"TLS": True, "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_NAME": "__Host-qingqu"}
    made = create_app(**config, **tls, TESTING=True, WTF_CSRF_ENABLED=False, TRUSTED_PROXIES=1)
    found = Site(made, plant)
    found.client.environ_base |= {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9", "HTTP_X_FORWARDED_PROTO": "https"}
    found.base = found.base.replace("http:", "https:")
    return found


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/customers?export=xlsx", "/healthz", "/static/app.js"])
def test_every_answer_carries_the_headers(client: Site, path: str) -> None:
    answer = client.get(path)
    for name, value in headers.ALWAYS.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    if not path.startswith("/static"):
        assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers.getlist("Content-Security-Policy")) == 1


def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(client: Site) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


def test_a_host_that_is_none_of_ours_gets_the_headers_too(app: Flask) -> None:
    answer = app.test_client().get("/", base_url="http://nowhere.localhost")
    assert (answer.status_code, answer.headers["X-Frame-Options"]) == (404, "DENY")


@pytest.mark.parametrize("host", ["evil<script>.localhost", "a b", "[::1", "..", "x" * 300, "测试.localhost", ""])
def test_a_nonsense_host_is_refused(app: Flask, host: str) -> None:
    answer = app.test_client().get("/login", headers={"Host": host})
    assert answer.status_code in (400, 404)
    assert "<script>." not in answer.text


def test_the_session_cookie_is_for_this_host_and_no_script(site: Site) -> None:
    cookie = site.log_in().headers["Set-Cookie"]
    assert "; HttpOnly; Path=/; SameSite=Lax" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_files_carry_no_session(client: Site) -> None:
    assert "Set-Cookie" in client.get("/").headers
    assert "Set-Cookie" not in client.get("/static/app.js").headers
    assert "Set-Cookie" not in client.get("/healthz").headers


def test_behind_tls_the_cookie_is_secure_and_the_browser_stays_there(behind: Site) -> None:
    answer = behind.log_in()
    assert answer.status_code == 302
    assert answer.headers["Strict-Transport-Security"] == headers.HSTS
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-qingqu=")
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    assert behind.get("/").status_code == 200


def test_the_last_proxy_says_who_asks(behind: Site) -> None:
    behind.log_in()
    behind.post("/me", data={"name": "新站长", "mobile": ""})
    assert db.session.scalars(select(AuditEntry.address).order_by(AuditEntry.id.desc())).first() == "203.0.113.9"


def test_without_a_proxy_nobody_can_make_up_an_address(client: Site) -> None:
    client.post("/me", data={"name": "新站长", "mobile": ""}, headers={"X-Forwarded-For": "6.6.6.6"})
    assert db.session.scalars(select(AuditEntry.address).order_by(AuditEntry.id.desc())).first() == "127.0.0.1"


def test_a_forwarded_host_opens_no_other_plant(behind: Site, neighbour: Tenant) -> None:
    answer = behind.get("/login", headers={"X-Forwarded-Host": f"{neighbour.slug}.localhost"})
    assert neighbour.name not in answer.text


def test_a_script_in_an_uploaded_file_is_never_shown(client: Site) -> None:
    upload = {"file": (BytesIO(b"<script>alert(1)</script>"), "<script>alert(1)</script>.html")}
    answer = client.post("/imports/meters", data=upload, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
