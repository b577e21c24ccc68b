"""A file that is not whole, not ours or of another version changes nothing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tenants import backup, plant_file, provisioning
from tenants.context import Tenant
from tenants.provisioning import PlantError
from tests.tenants.lived import run


def cut(at: float) -> Callable[[bytes], bytes]:
    return lambda whole: whole[: int(len(whole) * at)]


def changed(at: float) -> Callable[[bytes], bytes]:
    def change(whole: bytes) -> bytes:
        place = int((len(whole) - 1) * at)
        return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]

    return change


DAMAGE = {f"cut at {at}": cut(at) for at in (0, 0.0001, 0.1, 0.5, 0.9, 0.999)}
DAMAGE |= {f"changed at {at}": changed(at) for at in (0, 0.001, 0.2, 0.4, 0.6, 0.8, 0.99, 1)}
DAMAGE |= {"one byte short": lambda w: w[:-1], "one byte more": lambda w: w + b"0", "no zip": lambda _: b"PK" * 200}


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_truncated_or_altered_file_is_refused_before_anything_is_written(
    app: Flask, saved: Path, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "create_plant", lambda *_, **__: pytest.fail("something is being written"))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(DAMAGE[damage](saved.read_bytes()))
    code, said = run(app, "import", str(broken), "--as", "never")
    assert (code, "不是完整的水厂备份" in said) == (2, True)
    assert said.count("\n") == 1


@contextmanager
def forged(saved: Path, path: Path) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
    """A copy of the export to be changed by one who knows the format, sealed anew."""
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts.pop("manifest.json"))
    yield manifest, parts
    with plant_file.writing(path) as writer:
        for name, content in parts.items():
            writer.table(name.removesuffix(".copy"), [content])
        writer._zip.writestr("manifest.json", json.dumps(manifest))


@pytest.mark.usefixtures("nothing_changes")
def test_a_file_whose_rows_do_not_fit_its_manifest_is_refused(saved: Path, tmp_path: Path) -> None:
    for number, damage in enumerate(("row missing", "count", "table missing", "no manifest")):
        path = tmp_path / f"{number}.zip"
        with forged(saved, path) as (manifest, parts):
            if damage == "row missing":
                parts["bill.copy"] = parts["bill.copy"].partition(b"\n")[2]
            elif damage == "count":
                manifest["tables"]["bill"]["rows"] += 1
            elif damage == "table missing":
                del parts["bill.copy"]
            else:
                manifest.clear()
        with pytest.raises(PlantError, match="不是完整的水厂备份"):
            backup.import_plant(path, slug="never")


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "格式是第 2 版"),
        ({"revision": "9999"}, "更新的程序"),
        ({"revision": "0001"}, "和表结构 0001 不一致"),
        ({"plant": {"slug": "x"}}, "水厂资料读不懂"),
    ],
)
def test_a_file_of_another_version_is_refused(
    app: Flask, saved: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with forged(saved, tmp_path / "f.zip") as (manifest, _):
        manifest.update(change)
    code, output = run(app, "import", str(tmp_path / "f.zip"), "--as", "never")
    assert (code, said in output) == (2, True)


@pytest.mark.usefixtures("nothing_changes")
def test_a_timezone_that_is_none_is_refused(saved: Path, tmp_path: Path) -> None:
    with forged(saved, tmp_path / "f.zip") as (manifest, _):
        manifest["plant"]["timezone"] = "Asia/Nowhere"
    with pytest.raises(PlantError, match="水厂资料读不懂"):
        backup.import_plant(tmp_path / "f.zip", slug="never")


@pytest.mark.usefixtures("nothing_changes")
def test_rows_that_point_nowhere_are_refused_and_leave_nothing(lived: Tenant, saved: Path, tmp_path: Path) -> None:
    with forged(saved, tmp_path / "f.zip") as (manifest, parts):
        parts["meter.copy"] = parts["meter.copy"].partition(b"\n")[2]
        with plant_file.writing(tmp_path / "sums.zip") as writer:
            rows, sha256 = writer.table("meter", [parts["meter.copy"]])
        manifest["tables"]["meter"] |= {"rows": rows, "sha256": sha256}
    with pytest.raises(PlantError, match="自相矛盾"):
        backup.import_plant(tmp_path / "f.zip", slug="never")


@pytest.mark.usefixtures("nothing_changes")
def test_a_name_that_is_taken_or_unfit_is_refused_with_what_to_do(app: Flask, lived: Tenant, saved: Path) -> None:
    code, said = run(app, "import", str(saved))
    assert (code, "--as" in said, f"drop {lived.slug}" in said) == (2, True, True)
    code, said = run(app, "import", str(saved), "--as", "pg-mine")
    assert (code, "只能用小写字母" in said) == (2, True)
    code, said = run(app, "import", str(saved.with_name("nowhere.zip")))
    assert (code, "读不出" in said) == (2, True)
