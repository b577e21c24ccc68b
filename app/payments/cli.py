"""`flask ledger …`: are the books right?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from app.cli_support import emit, in_plant, json_option, plant_option, table
from app.ledger import queries as ledger
from app.ledger.rules import account_name
from app.payments.verify import verify

ledger_cli = AppGroup("ledger", help="账本：核对。")


@ledger_cli.command("verify")
@plant_option
@click.option("--date", "until", type=click.DateTime(["%Y-%m-%d"]), help="到这一天（含）为止")
@json_option
def verify_command(plant: str, until: datetime | None, as_json: bool) -> None:
    """按水费单、缴费逐笔重算，与分录和余额核对；有不符时退出码为 1。"""
    day = until.date() if until else None
    with in_plant(plant):
        differences = verify(until=day)
        balances = dict(sorted(ledger.balances(until=day).items()))
    found: dict[str, Any] = {
        "plant": plant,
        "date": str(day) if day else None,
        "balances": {account: str(amount) for account, amount in balances.items()},
        "differences": [
            {"check": d.check, "what": d.what, "expected": str(d.expected), "found": str(d.found)} for d in differences
        ],
    }
    emit(found, as_json=as_json, human=lambda: _for_people(found))
    if differences:
        raise SystemExit(1)


def _for_people(found: dict[str, Any]) -> str:
    rows = [[account_name(account), amount] for account, amount in found["balances"].items()]
    words = table(["科目", "余额"], rows)
    wrong = found["differences"]
    if not wrong:
        return f"{words}\n\n账本无误。"
    return f"{words}\n\n{len(wrong)} 处不符：\n" + table(
        ["核对", "对象", "应为", "实为"], [[d["check"], d["what"], d["expected"], d["found"]] for d in wrong]
    )
