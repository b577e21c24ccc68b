"""From host names to plants."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import update

from tenants import resolver
from tenants.context import Tenant
from tenants.models import Plant
from tenants.session import platform
from tests.conftest import Site


def set_plant(tenant: Tenant, **values: str) -> None:
    with platform() as session:
        session.execute(update(Plant).where(Plant.id == tenant.id).values(**values))
    resolver.forget()


def test_an_unknown_subdomain_gets_a_friendly_404(app: Flask) -> None:
    response = app.test_client().get("/", base_url="http://nowhere.localhost")
    assert response.status_code == 404
    assert "nowhere.localhost" in response.text


def test_a_suspended_plant_says_so_and_comes_back(site: Site, plant: Tenant) -> None:
    set_plant(plant, state="suspended")
    response = site.get("/login")
    assert (response.status_code, plant.name in response.text, "暂停使用" in response.text) == (503, True, True)
    set_plant(plant, state="active")
    assert site.get("/login").status_code == 200


def test_a_domain_of_its_own_leads_to_the_plant(app: Flask, plant: Tenant) -> None:
    set_plant(plant, domain="water.example.cn")
    response = app.test_client().get("/login", base_url="http://water.example.cn")
    assert (response.status_code, plant.name in response.text) == (200, True)


def test_the_host_is_read_whatever_its_case_and_port(app: Flask, plant: Tenant) -> None:
    response = app.test_client().get("/login", base_url=f"http://{plant.slug.upper()}.LOCALHOST:8000")
    assert response.status_code == 200


def test_the_second_request_asks_the_registry_nothing(site: Site, plant: Tenant) -> None:
    site.get("/login")
    set_plant_without_forgetting = Plant.__table__.update().where(Plant.id == plant.id).values(name="改名水厂")
    with platform() as session:
        session.execute(set_plant_without_forgetting)
    assert "改名水厂" not in site.get("/login").text
    resolver.forget()
    assert "改名水厂" in site.get("/login").text


def test_the_console_lives_on_its_own_host_only(app: Flask, site: Site) -> None:
    assert site.get("/console/login").status_code == 404
    console = app.test_client()
    assert console.get("/", base_url="http://console.localhost").location.endswith("/console/")
    assert console.get("/console/login", base_url="http://console.localhost").status_code == 200
    assert console.get("/console/", base_url="http://console.localhost").status_code == 302
    assert console.get("/login", base_url="http://console.localhost").status_code == 404
