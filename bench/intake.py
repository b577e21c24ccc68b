"""`bin/bench intake`: a register of 50,000 customers coming in and going out, against openpyxl merely reading or writing it.

The register has the columns of a town's (seeds/shiquan). Coming in is what a worker does after 「确认导入」: read, check,
store, commit. Going out is 「导出」 of 用户档案 as a browser gets it. Each round has a process of its own, so that its peak
memory (resident, MB) is its own; the two sides take turns, and the ratios are medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from flask import Flask
from openpyxl import Workbook, load_workbook

from app import create_app
from app.db import db, transaction
from app.intake import service
from app.tariffs.service import import_tariff
from bench import ground
from bench.pages import logged_in
from tenants import context, resolver
from tenants.context import Tenant

HEADINGS = (
    "户号", "户名", "联系电话", "用水地址", "区", "册", "册内序号", "人口", "水表性质", "是否抄表水费", "自动扣费", "表号",
    "口径", "水表类型", "安装日期", "量程", "底数", "预存余额", "备注",
)  # fmt: skip
BOOK = 120  # customers
Measured = dict[str, float]


def register(file: Path, customers: int) -> None:
    """The workbook that a plant would bring."""
    surnames, names = "王李张刘陈杨赵黄周吴", "建国秀英文海志强玉兰芳军平霞明丽涛燕刚红"
    book = Workbook(write_only=True)
    sheet = book.create_sheet("用户档案")
    sheet.append(HEADINGS)
    for i in range(customers):
        area, place = f"第{i // BOOK // 10 + 1}区", f"{i // BOOK + 1:03d}册"
        holder = surnames[i % 10] + names[i // 10 % 20] + names[i // 200 % 20]
        sheet.append(
            [
                f"8{i:07d}", holder, f"138{i:08d}", f"{area}{place}{i % BOOK + 1}号", area, place, i % BOOK + 1, 1 + i % 6,
                ground.TARIFF["use_category"], "是", "否" if i % 3 else "是", f"BQ8{i:08d}", "DN20" if i % 5 else "DN15",
                "机械表", f"20{10 + i % 15}-0{1 + i % 9}-1{i % 10}", 99999, i % 1000, 50 if i % 10 == 0 else 0, None,
            ]
        )  # fmt: skip
    book.save(file)


def bare_read(file: Path) -> Measured:
    """openpyxl gives every row once."""

    def read() -> None:
        sheet = load_workbook(file, read_only=True).worksheets[0]
        for _row in sheet.iter_rows(values_only=True):
            pass

    return {"seconds": ground.seconds(read)}


def bare_write(rows: list[tuple[Any, ...]]) -> Measured:
    """openpyxl writes the same rows."""

    def write() -> None:
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
        with tempfile.TemporaryFile() as file:
            book.save(file)

    return {"seconds": ground.seconds(write)}


def import_register(tenant: Tenant, file: Path) -> Measured:
    """The preview and the import, as a worker does them one after the other."""
    with context.use(tenant):
        with transaction():
            job = service.create_job(
                kind="customers", filename=file.name, content=file.read_bytes(), options={}, by_id=None
            )
            job_id = job.id
        db.session.remove()

        def run() -> None:
            with transaction():
                service.run_import(job_id)

        looked = ground.seconds(run)
        with transaction():
            assert service.start(job_id)
        db.session.remove()
        spent = ground.seconds(run)
        db.session.remove()
    return {"preview": looked, "seconds": spent}


def export_list(app: Flask, tenant: Tenant, file: Path) -> Measured:
    """「导出」 of all customers, saved as the browser saves it."""
    client = logged_in(app, tenant)

    def download() -> None:
        answer = client.get("/customers?export=xlsx", base_url=f"http://{tenant.slug}.localhost")
        assert answer.status_code == 200
        with file.open("wb") as out:
            out.writelines(answer.iter_encoded())

    return {"seconds": ground.seconds(download)}


def _import_alone(config: dict[str, str], slug: str, file: Path) -> Measured:
    return _alone(config, slug, lambda _app, tenant: import_register(tenant, file))


def _export_alone(config: dict[str, str], slug: str, file: Path) -> Measured:
    return _alone(config, slug, lambda app, tenant: export_list(app, tenant, file))


def _alone(config: dict[str, str], slug: str, work: Callable[[Flask, Tenant], Measured]) -> Measured:
    """The work in this process, with the most memory that the process ever had."""
    app = create_app(**config)
    with app.app_context():
        tenant = resolver.by_slug(slug)
        assert tenant
        found = work(app, tenant)
    return found | {"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def apart(function: Callable[..., Measured], *given: Any) -> Measured:
    """In a new process, which ends afterwards."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def rounds_of(app: Flask, customers: int, rounds: int, folder: Path) -> Iterator[dict[str, Measured]]:
    """Four measurements a round, each round with a fresh plant."""
    config = {name: app.config[name] for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")}
    register_file, export_file = folder / "in.xlsx", folder / "out.xlsx"
    register(register_file, customers)
    for turn in range(rounds):
        slug = f"intake{turn}"
        with context.use(ground.plant(slug)), transaction():
            import_tariff(ground.TARIFF, by_id=None)
        read = apart(bare_read, register_file)
        imported = apart(_import_alone, config, slug, register_file)
        exported = apart(_export_alone, config, slug, export_file)
        rows = list(load_workbook(BytesIO(export_file.read_bytes()), read_only=True).worksheets[0].values)
        assert len(rows) == customers + 1, len(rows)
        yield {"read": read, "import": imported, "export": exported, "write": apart(bare_write, rows)}


def summary(found: list[dict[str, Measured]]) -> dict[str, float]:
    """Ratios (medians of the rounds), the most memory, and medians of the seconds."""

    def ratio(what: str, part: str, against: str) -> float:
        return statistics.median(one[what][part] / one[against]["seconds"] for one in found)

    return {
        "import_ratio": ratio("import", "seconds", "read"),
        "preview_ratio": ratio("import", "preview", "read"),
        "import_mb": max(one["import"]["mb"] for one in found),
        "export_ratio": ratio("export", "seconds", "write"),
        "export_mb": max(one["export"]["mb"] for one in found),
        "import_s": statistics.median(one["import"]["seconds"] for one in found),
        "preview_s": statistics.median(one["import"]["preview"] for one in found),
        "openpyxl_read_s": statistics.median(one["read"]["seconds"] for one in found),
        "export_s": statistics.median(one["export"]["seconds"] for one in found),
        "openpyxl_write_s": statistics.median(one["write"]["seconds"] for one in found),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ground.ground() as (app, _), tempfile.TemporaryDirectory(prefix="qingqu-intake-") as folder:
        found = list(rounds_of(app, options.customers, options.rounds, Path(folder)))
    print(json.dumps({name: round(value, 2) for name, value in summary(found).items()}, indent=1))
