"""What the tests of areas, readers and the login share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from app.areas.models import District, Route
from app.db import db
from tenants import context
from tenants.context import Tenant
from tests.journeys.conftest import log_in


@contextmanager
def inside(works: Tenant) -> Iterator[None]:
    """What is stored, as it is now."""
    with context.use(works):
        db.session.rollback()
        db.session.expire_all()
        yield
        db.session.rollback()


def open_page(page: Page, port: int, works: Tenant, path: str) -> None:
    log_in(page, port, works.slug)
    page.goto(f"http://{works.slug}.localhost:{port}{path}")


def row(page: Page, *words: str) -> Locator:
    """The row of the list with these words."""
    found = page.locator(".list-table tbody tr")
    for word in words:
        found = found.filter(has_text=word)
    return found


def dialog(page: Page) -> Locator:
    shown = page.locator("#dialog")
    expect(shown.locator("form")).to_be_visible()
    return shown


def choose(page: Page, entry: str) -> None:
    """An entry of the side bar."""
    page.get_by_role("navigation", name="主菜单").get_by_role("link", name=entry, exact=True).click()


@pytest.fixture
def book(works: Tenant) -> Iterator[int]:
    """A book without customers, 南街一册."""
    with inside(works):
        area = District(name="南街")
        db.session.add(area)
        db.session.flush()
        made = Route(district_id=area.id, name="一册")
        db.session.add(made)
        db.session.commit()
        key = made.id
    yield key
    with inside(works):
        for one in db.session.scalars(select(Route).where(Route.id == key)):
            db.session.delete(one)
        db.session.flush()
        for left in db.session.scalars(select(District).where(District.name == "南街")):
            db.session.delete(left)
        db.session.commit()
