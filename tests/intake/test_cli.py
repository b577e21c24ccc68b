"""`flask import …` and `flask tariff import …`, as scripts use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.customers.models import Customer
from app.db import db
from app.tariffs import library
from app.tariffs.models import Tariff
from tenants import context
from tenants.context import Tenant
from tests.intake.workbooks import EXPECTED, SEEDS

VILLAGE = str(SEEDS / "liushu" / "水费登记册.xlsx")


@pytest.fixture
def run(app: Flask, plant: Tenant) -> Any:
    """Run a command for the plant; nothing is in force but what the command says."""

    def call(*args: str) -> Result:
        db.session.remove()
        with context.use(None):
            return app.test_cli_runner().invoke(args=list(args))

    return call


def test_without_confirm_nothing_is_stored_and_the_json_says_what_would_be(plant: Tenant, run: Any) -> None:
    result = run("import", "customers", VILLAGE, "--plant", plant.slug, "--json")
    assert result.exit_code == 0
    said = json.loads(result.output)
    expected = EXPECTED["柳树村_水费登记册.xlsx"]
    assert (said["ok"], said["confirmed"], said["stored"]) == (expected["ok"], False, None)
    assert [[row, column] for row, column, _ in said["wrong"]] == [e[:2] for e in expected["wrong"]]
    assert db.session.scalar(select(func.count(Customer.id))) == 0


def test_with_confirm_and_options_it_is_stored(plant: Tenant, run: Any) -> None:
    args = ("--people", "3", "--route", "二册", "--district", "柳树二村", "--use-category", "非居民用水")
    result = run("import", "customers", VILLAGE, "--plant", plant.slug, "--confirm", *args)
    assert result.exit_code == 0
    assert "已导入" in result.output
    assert "与第 7 行重复" in result.output
    people, count = db.session.execute(select(func.min(Customer.people), func.count(Customer.id))).one()
    assert (people, count) == (3, 309)


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("import", "customers", VILLAGE, "--plant", "nobody"), "没有子域名为「nobody」的水厂"),
        (("import", "customers", "没有.xlsx", "--plant", "{slug}"), "读不到文件"),
        (("import", "customers", __file__, "--plant", "{slug}"), "不是 Excel"),
        (("import", "readings", VILLAGE, "--plant", "{slug}"), "「本期止码」"),
        (("tariff", "import", VILLAGE, "--plant", "{slug}"), "JSON"),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_2(plant: Tenant, run: Any, args: tuple[str, ...], word: str) -> None:
    result = run(*(arg.format(slug=plant.slug) for arg in args))
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stderr.count("\n") == 1


def test_tariffs_come_in_together_or_not_at_all(plant: Tenant, run: Any, tmp_path: Path) -> None:
    files = [str(file) for file in sorted(library.FOLDER.glob("*.json"))]
    broken = json.loads(Path(files[0]).read_text("utf-8")) | {"name": "别的", "use_category": "洗澡用水"}
    bad = tmp_path / "坏.json"
    bad.write_text(json.dumps(broken), "utf-8")
    assert run("tariff", "import", *files, str(bad), "--plant", plant.slug).exit_code == 2
    assert db.session.scalar(select(func.count(Tariff.id))) == 0
    result = run("tariff", "import", *files, "--plant", plant.slug, "--json")
    assert [t["is_default"] for t in json.loads(result.output)["tariffs"]] == [True] * 5
