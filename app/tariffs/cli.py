"""`flask tariff …`: standards from the command line. `quote` needs no database."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup

from app.cli_support import emit, in_plant, json_option, plant_option, table
from app.db import transaction

from . import service
from .document import QUOTE_KEYS, SCHEMA_FILE, quote, quote_batch, read_json
from .rules import TariffError

tariff_cli = AppGroup("tariff", help="收费标准：试算、导入。")


class _Refused(click.ClickException):
    """Exit 2 and one line on standard error, whatever is wrong."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(" ".join(self.message.split()), err=True)


class _OneLineCommand(click.Command):
    """click explains a wrong command line in three lines; a script wants one."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _Refused(f"命令写法不对：{error.format_message()}") from None


@tariff_cli.command("quote", cls=_OneLineCommand, with_appcontext=False)
@click.argument("file", required=False)
@click.option("--batch", metavar="CASES.json", help='算例文件：[{"tariff": {…}, "usage": …}, …]')
@click.option("--usage", help="本期用水量，m³")
@click.option("--used-before", help="本阶梯周期内已用水量，m³（默认 0）")
@click.option("--people", help="户籍人口（默认不详）")
@click.option("--months", help="账单月数（默认 1）")
@click.option("--quota", help="定额，m³")
@click.option("--area", help="面积")
@click.option("--hours", help="小时数")
@click.option("--days-late", help="逾期天数")
@click.option("--unpaid", help="未交金额，元（默认本次合计）")
def quote_command(file: str | None, batch: str | None, **options: str | None) -> None:
    """按收费标准文件试算，结果是一个 JSON。"""
    given = {key: value for key, value in options.items() if value is not None}
    try:
        answer = _answer(file, batch, given)
    except TariffError as error:
        raise _Refused(_with_dashes(error)) from None
    # bytes: UTF-8 whatever the terminal's locale is
    click.echo(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _answer(file: str | None, batch: str | None, given: dict[str, str]) -> Any:
    if (file is None) == (batch is None):
        raise TariffError("", "要写一个收费标准文件，或者用 --batch 写一个算例文件。")
    if batch is None:
        return quote(read_json(str(file)), **given)
    if given:
        raise TariffError("", "用 --batch 时，用水量等都写在算例文件里。")
    cases = read_json(batch)
    if not isinstance(cases, list):
        raise TariffError("", "算例文件要是一个列表 [ … ]。")
    return quote_batch(cases)


def _with_dashes(error: TariffError) -> str:
    """An option's name as it is typed on the command line."""
    if error.path in QUOTE_KEYS:
        return f"--{error.path.replace('_', '-')}：{error.message}"
    return str(error)


@tariff_cli.command("schema", with_appcontext=False)
def schema_command() -> None:
    """收费标准文件的格式（JSON Schema）。"""
    click.echo(SCHEMA_FILE.read_bytes(), nl=False)


@tariff_cli.command("import", cls=_OneLineCommand)
@click.argument("files", nargs=-1, required=True)
@plant_option
@json_option
def import_command(files: tuple[str, ...], plant: str, as_json: bool) -> None:
    """导入收费标准文件；都对才导入，已有的不变。"""
    done: list[dict[str, Any]] = []
    try:
        documents = [read_json(file) for file in files]
    except TariffError as error:
        raise _Refused(str(error)) from None
    with in_plant(plant), transaction():
        for file, document in zip(files, documents, strict=True):
            version = service.import_tariff(document, by_id=None)
            done.append(
                {
                    "file": file,
                    "name": version.tariff.name,
                    "effective_from": version.effective_from.isoformat(),
                    "version_id": version.id,
                    "is_default": version.tariff.is_default,
                }
            )
    emit(
        {"plant": plant, "tariffs": done},
        as_json=as_json,
        human=lambda: table(
            ["收费标准", "生效日期", "默认"],
            [[d["name"], d["effective_from"], "是" if d["is_default"] else ""] for d in done],
        ),
    )
