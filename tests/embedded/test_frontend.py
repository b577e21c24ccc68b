"""The front end's files: what pages ask for is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedded import frontend
from embedded.errors import StartError

NAMES = frontend.ICON_NAMES.read_text().split()
USED = re.compile(r"""\bicon\(\s*["']([a-z0-9-]+)["']""")


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    frontend.build()


def test_every_file_is_there_and_building_again_has_nothing_to_do() -> None:
    assert frontend.build() is False
    assert [name for name in frontend.FILES if not (frontend.VENDOR / name).stat().st_size] == []


def test_the_sprite_holds_each_named_icon_once() -> None:
    sprite = (frontend.VENDOR / "icons.svg").read_text()

    assert re.findall(r'<symbol id="([^"]+)"', sprite) == NAMES
    assert "M0 0h24v24H0z" not in sprite  # the invisible background that each icon's own file has


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    templates = (frontend.ROOT / "app").rglob("*.html")
    used = {name for template in templates for name in USED.findall(template.read_text())}

    assert used - set(NAMES) == set()


def test_scripts_and_styles_ask_for_no_source_maps() -> None:
    text_files = [frontend.VENDOR / name for name in frontend.FILES if name.endswith((".js", ".css"))]

    assert [file.name for file in text_files if "sourceMappingURL" in file.read_text()[-200:]] == []


def test_an_unknown_icon_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no-such-icon"):
        frontend.sprite(tmp_path, ["no-such-icon"])
