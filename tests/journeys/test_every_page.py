"""Every page, at the office's size and at a phone's: usable by keyboard and screen reader, nothing hanging out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from app.db import db, transaction
from app.payments.service.take_payment import top_up
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests import nights
from tests.journeys.conftest import log_in
from tests.pages import addresses, sample
from tests.processes import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SIZES = [(1366, 768), (390, 844)]
ASK_AXE = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
        .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(" | ")}`);
}"""
ASK_WIDTH = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def paths(works: Tenant, seeded: Flask) -> list[str]:
    """Every page's address, in a plant where each has something to show."""
    with context.use(works):
        customer = sample("customer_id")
        with transaction():
            make.quota(code="DE-EVERY")
            top_up(customer, amount=Decimal(5), method="cash", by_id=None)
        nights.put(works, date(2026, 10, 31))
        nights.put(works, date(2026, 11, 1), "failed")
        found = addresses(seeded)
        db.session.remove()
    return found


@pytest.mark.parametrize("size", SIZES, ids=["office", "phone"])
def test_every_page_is_accessible_and_fits(
    page: Page, port: int, works: Tenant, paths: list[str], size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(path=AXE)  # into every page, though our policy lets no foreign script in
    log_in(page, port, works.slug)
    wrong: dict[str, Any] = {}
    for path in paths:
        answer = page.goto(f"http://{works.slug}.localhost:{port}{path}")
        assert answer
        assert answer.ok, f"{path}: {answer.status}"
        problems = page.evaluate(ASK_AXE)
        hanging = page.evaluate(ASK_WIDTH)
        if problems or hanging > 0:
            wrong[path] = [*problems, f"{hanging} px too wide"] if hanging > 0 else problems
    assert wrong == {}
    assert len(paths) > 60
