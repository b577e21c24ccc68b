"""What is installed is what the locks say, by content, and nothing of it is known to be bad.

Known to whom? To tests/house/advisories.json, written by hand on the day that stands in it. It needs no network, and it
cannot know what was found since, nor what it leaves out: that takes pip-audit and npm audit where there is a network
(CONTRIBUTING.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent.parent
ADVISORIES = json.loads((Path(__file__).parent / "advisories.json").read_text("utf-8"))
KNOWN = {one["package"]: Version(one["fixed_in"]) for one in ADVISORIES["known"]}
LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)(?: *; *([^\\]+))?", re.MULTILINE)


def locked() -> Iterator[tuple[str, Version, Marker | None]]:
    """Name, version, and where it is for, of both locks."""
    for lock in ("requirements.txt", "requirements-dev.txt"):
        for name, version, marker in LINE.findall((ROOT / lock).read_text("utf-8")):
            yield canonicalize_name(name), Version(version), Marker(marker) if marker.strip() else None


def is_bad(name: str, version: Version) -> bool:
    return name in KNOWN and version < KNOWN[name]


def test_what_is_installed_is_what_is_locked() -> None:
    wrong = []
    for name, version, marker in locked():
        if marker and not marker.evaluate():
            continue
        try:
            found = Version(metadata.version(name))
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is not installed")
            continue
        if found != version:
            wrong.append(f"{name} is {found}, locked at {version}")
    assert wrong == []


def test_both_locks_agree() -> None:
    found: dict[str, set[Version]] = {}
    for name, version, marker in locked():
        if marker is None or marker.evaluate():
            found.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}
    assert len(found) > 60


def test_nothing_locked_is_known_to_be_bad() -> None:
    assert [f"{name} {version}" for name, version, _ in locked() if is_bad(name, version)] == []


def test_the_list_of_what_is_bad_is_dated_and_would_find_something() -> None:
    assert date.fromisoformat(ADVISORIES["made"]) >= date(2026, 11, 29)
    assert all(one["why"] and one["package"] == canonicalize_name(one["package"]) for one in ADVISORIES["known"])
    assert len({name for name, _, _ in locked()} & set(KNOWN)) > 10
    assert is_bad("jinja2", Version("3.1.5"))
    assert not is_bad("jinja2", Version("3.1.6"))


@pytest.mark.parametrize("key", ["dependencies", "devDependencies"])
def test_front_end_packages_are_pinned_and_locked_by_content(key: str) -> None:
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))[key]
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, version in asked.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked


def test_every_front_end_package_has_its_hash_and_no_address() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    locked_ = {name: one for name, one in packages.items() if name}
    assert [name for name, one in locked_.items() if not one.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, one in locked_.items() if "resolved" in one or "hasInstallScript" in one] == []
    assert len(locked_) > 6
