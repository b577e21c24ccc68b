"""`flask import …`: workbooks from the command line, exactly as the screens take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from app.cli_support import Refused, emit, in_plant, json_option, plant_option, table
from app.db import db, transaction
from app.intake.registry import IMPORTERS
from app.web.imports import Importer, Preview, Remark, confirm, preview

SHOWN = 40  # remarks of a kind in the human output
FLAGS = {
    "period": "--period", "use_category": "--use-category", "district": "--district", "route": "--route",
    "people": "--people", "prefix": "--prefix", "since": "--since",
}  # fmt: skip

import_cli = click.Group("import", help="导入工作簿；不加 --confirm 只预览。")


def _command(importer: Importer) -> click.Command:
    """`flask import KIND FILE`, with a flag for every question of the importer's form."""

    def run(file: str, plant: str, confirmed: bool, as_json: bool, **said: str | None) -> None:
        options = {name: value for name, value in said.items() if value}
        with in_plant(plant):
            result = _imported(importer, Path(file), options, confirmed)
        document = result.as_json() | {"plant": plant, "confirmed": confirmed}
        emit(document, as_json=as_json, human=lambda: _words(importer, result))

    command: Any = click.command(importer.kind, help=f"导入{importer.title}")(with_appcontext(run))
    for option in reversed(importer.options):
        command = click.option(FLAGS[option.name], option.name, help=f"{option.label}：{option.hint}")(command)
    command = json_option(command)
    command = click.option("--confirm", "confirmed", is_flag=True, help="确认导入，不加只预览")(command)
    command = plant_option(command)
    made: click.Command = click.argument("file")(command)
    return made


def _imported(importer: Importer, path: Path, options: dict[str, str], confirmed: bool) -> Preview:
    try:
        with path.open("rb") as file:
            if confirmed:
                with transaction():
                    return confirm(importer, file, options, by_id=None, filename=path.name)
            try:
                return preview(importer, file, options, filename=path.name)
            finally:
                db.session.rollback()
    except OSError:
        raise Refused(f"读不到文件 {path}。") from None


def _words(importer: Importer, result: Preview) -> str:
    """The result as a person reads it."""
    done = "已导入" if result.stored is not None else "预览（没有导入，加 --confirm 确认）"
    figures = "".join(f"，{label} {result.figures[key]}" for key, label in importer.figures)
    lines = [
        f"{importer.title}：{result.filename}　{done}",
        f"共 {result.rows} 行：可导入 {result.ok}，已有跳过 {len(result.skipped)}，错误 {result.wrong_rows}{figures}",
    ]
    for title, remarks in (
        ("错误", result.wrong), ("已整理", result.cleaned), ("请留意", result.noticed), ("跳过", result.skipped)
    ):  # fmt: skip
        lines += _listed(title, remarks)
    return "\n".join(lines)


def _listed(title: str, remarks: list[Remark]) -> list[str]:
    if not remarks:
        return []
    more = [f"…… 还有 {len(remarks) - SHOWN} 条"] if len(remarks) > SHOWN else []
    rows: list[list[Any]] = [[remark.row, remark.column, remark.text] for remark in remarks[:SHOWN]]
    return ["", f"{title}：", table(["行", "列", "原因"], rows), *more]


for _importer in IMPORTERS.values():
    import_cli.add_command(_command(_importer))
