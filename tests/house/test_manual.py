"""Every one of the 78 figures has a browser test that takes it, and a text."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
TAKEN = re.compile(r"""\bfigure\([^)]*?["'](\d+(?:\.\d+)?-\d+)["']""")


def manual() -> ModuleType:
    """docs/manual/build.py, which is no part of any package."""
    spec = importlib.util.spec_from_file_location("manual_build", ROOT / "docs" / "manual" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_is_taken_by_a_browser_test() -> None:
    taken = {
        number
        for file in (ROOT / "tests" / "journeys").glob("test_*.py")
        for number in TAKEN.findall(file.read_text("utf-8"))
    }
    assert sorted(set(manual().numbers()) - taken) == []


def test_every_figure_has_its_text_and_shows_its_picture() -> None:
    texts = manual().entries()
    wanted = manual().numbers()
    assert len(wanted) == 78
    assert [number for number in wanted if number not in texts] == []
    for number in wanted:
        entry = texts[number]
        assert f"(figures/{number}.png)" in entry.text, number
        assert len(re.sub(r"!\[.*?\)", "", entry.text).strip()) > 9, f"{number} says too little"
    assert sorted(set(texts) - set(wanted)) == []
