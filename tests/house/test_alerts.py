"""Every alert asks for metrics that there are, and leads to a section that says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

DOCS = Path(__file__).parent.parent.parent / "docs"
OPERATIONS = (DOCS / "operations.md").read_text("utf-8")
RULES = [
    rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
NAMES = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])

SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
WORDS = {"and", "or", "unless", "by", "without"}
ELSEWHERE = {  # of Prometheus itself and of the exporters that docs/operations.md names
    "up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "pg_stat_activity_count",
    "pg_settings_max_connections",
}  # fmt: skip


def asked(expression: str) -> set[str]:
    """The metrics of a PromQL expression: names that are no word of the language, no function, no label."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without)\s*\([^)]*\)", " ", expression)
    return set(re.findall(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()", bare)) - WORDS


@pytest.fixture
def exported(app: Flask, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Our metrics: {name: type}."""
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "token")
    monkeypatch.setitem(app.config, "EXPORT_DIR", "/somewhere")
    page = app.test_client().get("/metrics", headers={"Authorization": "Bearer token"}).text
    families = text_string_to_metric_families(page)
    return {family.name: family.type for family in families if family.name.startswith("qingqu_")}


@NAMES
def test_an_alert_asks_for_metrics_that_there_are(rule: dict[str, Any], exported: dict[str, str]) -> None:
    ours = {name + ending for name, kind in exported.items() for ending in SAMPLES[kind]}
    assert asked(rule["expr"])
    assert asked(rule["expr"]) - ours - ELSEWHERE == set()


@NAMES
def test_an_alert_says_in_chinese_what_is_wrong_and_leads_to_what_to_do(rule: dict[str, Any]) -> None:
    anchors = {
        re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in re.findall(r"^#+ (.+)$", OPERATIONS, re.M)
    }
    file, anchor = rule["annotations"]["runbook"].split("#")
    assert file == "docs/operations.md"
    assert anchor in anchors
    assert re.search("[\u4e00-\u9fff]", rule["annotations"]["summary"])
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_metric_is_told_of_in_the_operators_book(exported: dict[str, str]) -> None:
    assert [name for name in exported if f"`{name}" not in OPERATIONS] == []
    assert set(re.findall(r"`(qingqu_\w+?)(?:_total)?[`{]", OPERATIONS)) == set(exported)


def test_the_alerts_are_named_once() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) >= 10
