"""Opening plants."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.intake.onboarding import open_plant
from tenants import context, migrate, provisioning, resolver
from tenants.models import Plant
from tenants.provisioning import PlantError
from tenants.session import engine, platform


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "ab",
        "A-Plant",
        "pg-plant",
        "pg_plant",
        "PG-PLANT",
        "platform",
        "public",
        "postgres",
        "xn--55qx5d",
        "x" * 64,
        "console",
        "www",
        "xn--fiq",
        "a--b",
        "-ab",
        "1ab",
        "a_b",
        "石泉",
        "x" * 31,
        "shi quan",
        "a.b",
    ],
)
def test_an_unfit_name_is_refused(app: Flask, slug: str) -> None:
    with pytest.raises(PlantError):
        provisioning.create_plant(slug, name="某水厂")


def test_a_name_that_differs_only_in_case_is_refused(app: Flask) -> None:
    open_plant("case-plant", name="甲", admin="admin", password="a-long-password")
    with pytest.raises(PlantError, match="小写"):
        open_plant("Case-Plant", name="乙", admin="admin", password="a-long-password")
    with pytest.raises(PlantError, match="已被使用"):
        open_plant("case-plant", name="乙", admin="admin", password="a-long-password")


def test_a_failed_opening_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    script = migrate.script("tenant", None)
    monkeypatch.setattr(migrate, "script", lambda *_: (*script, "SELECT 1/0"))
    with pytest.raises(Exception, match="division by zero"):
        provisioning.create_plant("broken", name="坏水厂")
    assert resolver.by_slug("broken") is None
    with engine().connect() as connection:
        left = connection.execute(
            text("SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'plant_broken')"
                 " + (SELECT count(*) FROM pg_roles WHERE rolname LIKE '%plant_broken')")
        ).scalar_one()  # fmt: skip
    assert left == 0


def test_a_manager_that_cannot_be_made_takes_the_plant_with_it(app: Flask) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011
        open_plant("halfway", name="半途水厂", admin=None, password="x")  # type: ignore[arg-type]
    assert resolver.by_slug("halfway") is None


def test_a_new_plant_is_at_the_head_and_fits_the_budget_of_tables_and_indexes(app: Flask) -> None:
    tenant = open_plant("budget", name="预算水厂", admin="admin", password="a-long-password")
    with platform() as session:
        assert session.scalars(select(Plant.revision).where(Plant.slug == "budget")).one() == migrate.head("tenant")
        tables, indexes = session.execute(
            text("SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = :s),"
                 " (SELECT count(*) FROM pg_indexes WHERE schemaname = :s)"), {"s": tenant.schema},
        ).one()  # fmt: skip
    assert tables < 30
    assert indexes < 80


def test_dropping_a_plant_removes_schema_and_role(app: Flask) -> None:
    tenant = open_plant("gone", name="去水厂", admin="admin", password="a-long-password")
    provisioning.drop_plant("gone")
    with engine().connect() as connection:
        assert not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": tenant.role}).scalar()
    assert context.current_or_none() is None


def test_the_longest_names_of_plants_have_roles_of_their_own(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL cuts names at 63 characters; a database with a long name must not make two plants' roles the same."""
    long = engine().url.set(database="a-database-whose-name-is-very-long-indeed")
    monkeypatch.setattr(engine(), "url", long)
    slugs = ["the-longest-slug-there-may-b" + end for end in ("xa", "xb")]
    roles = {provisioning.create_plant(slug, name="长名水厂").role for slug in slugs}
    assert len(roles) == 2
    assert max(map(len, roles)) == 63
    for slug in slugs:
        provisioning.drop_plant(slug)
