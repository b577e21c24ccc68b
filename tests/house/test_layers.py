"""Which way things lean (docs/architecture.md), read off the imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SLICES = (
    "staff", "areas", "tariffs", "customers", "metering", "readings", "ledger", "billing", "payments", "intake",
    "reports", "dashboard", "trail",
)  # fmt: skip
LAYERS = ("models", "rules", "queries", "service", "forms", "views")
EDGES = {"forms", "views", "cli"}  # nothing imports an edge, so an edge may use any slice (ADR 0002)
PURE = {"app.money"} | {f"app.{name}.rules" for name in SLICES}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(file: Path) -> Iterator[str]:
    """Full names of what a file imports; `from app.x import y` counts as app.x.y where y is a module."""
    package = name_of(file) if file.name == "__init__.py" else name_of(file).rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                path = ROOT / Path(*inner.split("."))
                yield inner if path.with_suffix(".py").exists() or path.is_dir() else base


def slice_and_layer(module: str) -> tuple[str, str] | None:
    parts = module.split(".")
    if len(parts) < 3 or parts[0] != "app" or parts[1] not in SLICES:
        return None
    return parts[1], parts[2]


@pytest.mark.parametrize("file", [f for f in modules("app") if "rules" in name_of(f).split(".")], ids=name_of)
def test_rules_are_pure(file: Path) -> None:
    for module in imports_of(file):
        known = any(module == pure or module.startswith(pure + ".") for pure in PURE)
        assert known or module.split(".")[0] in sys.stdlib_module_names, f"{name_of(file)} imports {module}"


@pytest.mark.parametrize("file", list(modules("app")), ids=name_of)
def test_a_file_uses_what_stands_before_it(file: Path) -> None:
    here = slice_and_layer(name_of(file))
    if here is None:
        return
    slice_, layer = here
    for module in imports_of(file):
        there = slice_and_layer(module)
        if there is None:
            continue
        other, other_layer = there
        if other == slice_:
            if layer in LAYERS and other_layer in LAYERS:
                assert LAYERS.index(other_layer) <= LAYERS.index(layer), f"{name_of(file)} imports {module}"
            continue
        assert other_layer not in EDGES, f"{name_of(file)} imports the edge {module}"
        if layer not in EDGES:
            assert SLICES.index(other) < SLICES.index(slice_), f"{name_of(file)} imports {module}, a slice to its right"


@pytest.mark.parametrize("file", list(modules("tenants")), ids=name_of)
def test_tenants_import_nothing_of_app(file: Path) -> None:
    assert [m for m in imports_of(file) if m.split(".")[0] in ("app", "worker")] == []


@pytest.mark.parametrize("file", list(modules("app")), ids=name_of)
def test_app_never_imports_the_worker(file: Path) -> None:
    assert [m for m in imports_of(file) if m.split(".")[0] in ("worker", "seeds", "embedded")] == []


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call))


@pytest.mark.parametrize("file", [f for f in modules("app") if f.name not in ("db.py",)], ids=name_of)
def test_services_flush_and_never_commit(file: Path) -> None:
    committed = [c for c in calls(file) if isinstance(c.func, ast.Attribute) and c.func.attr == "commit"]
    assert committed == [], f"{name_of(file)} commits; the edge opens `with transaction():`"


@pytest.mark.parametrize(
    "file",
    [f for f in modules("app") if not EDGES & set(name_of(f).split(".")) and f.parent != ROOT / "app"],
    ids=name_of,
)
def test_only_an_edge_opens_a_transaction(file: Path) -> None:
    if name_of(file) in ("app.intake.onboarding",):  # opens the plant itself: there is no transaction before it
        return
    opened = [c for c in calls(file) if isinstance(c.func, ast.Name) and c.func.id == "transaction"]
    assert opened == [], f"{name_of(file)} opens a transaction"


MONEY = ("app/money.py", "app/tariffs", "app/readings", "app/ledger", "app/billing", "app/payments", "app/intake")


@pytest.mark.parametrize("folder", MONEY)
def test_no_float_comes_near_money(folder: str) -> None:
    place = ROOT / folder
    for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            assert not literal, f"{name_of(file)}:{node.lineno} writes a float"
            assert not called, f"{name_of(file)}:{node.lineno} makes a float"


@pytest.mark.parametrize(
    "file", list(modules("app", "tenants", "worker", "embedded", "migrations", "seeds")), ids=name_of
)
def test_files_and_functions_stay_small(file: Path) -> None:
    source = file.read_text("utf-8")
    if "versions" in file.parts:
        return
    assert source.count("\n") <= 400, f"{name_of(file)} has {source.count(chr(10))} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{name_of(file)}.{node.name} has {length} lines"


@pytest.mark.parametrize("file", sorted((ROOT / "app").rglob("*.html")), ids=lambda f: str(f.relative_to(ROOT)))
def test_templates_stay_small_and_carry_no_script(file: Path) -> None:
    source = file.read_text("utf-8")
    assert source.count("\n") <= 150
    assert "onclick=" not in source
    assert "<script>" not in source
