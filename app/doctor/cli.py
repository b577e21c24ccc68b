"""`flask doctor`."""

from __future__ import annotations

from collections.abc import Iterator

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.cli_support import emit, json_option
from app.doctor import database, people, queue, settings
from app.doctor.finding import WORDS, Finding, Level, bad, worst
from app.observe import probes
from tenants.session import engine


def examine() -> Iterator[Finding]:
    """Everything, whatever of it cannot be reached."""
    yield from settings.check(current_app.config)
    yield from _database()
    yield from queue.check(current_app.config["REDIS_URL"], probes.redis())


def _database() -> Iterator[Finding]:
    try:
        with engine().connect() as connection:
            yield from database.check(connection)
            yield from _people(connection)
    except SQLAlchemyError:
        yield bad(
            "database", "数据库没有应答，或不让进。", "启动 PostgreSQL，核对 DATABASE_URL（或 DATABASE_URL_FILE）。"
        )


def _people(connection: Connection) -> Iterator[Finding]:
    connection.rollback()
    try:
        yield from people.check(connection)
    except SQLAlchemyError:
        yield bad("known_passwords", "读不到账号，没有查密码。", "先解决上面数据库的问题，再执行一次。")


@click.command("doctor")
@json_option
@with_appcontext
def doctor(as_json: bool) -> None:
    """检查正式环境的设置，说明该怎么改；有危险的就以 1 退出。"""
    found = list(examine())
    level = worst(found)
    document = {"level": level.value, "findings": [one.as_json() for one in found]}
    emit(document, as_json=as_json, human=lambda: _human(found))
    if level is Level.BAD:
        raise SystemExit(1)


def _human(found: list[Finding]) -> str:
    """The worst first, each with what to do under it; what is well in one line at the end."""
    lines: list[str] = []
    for level in (Level.BAD, Level.LOOK):
        for one in found:
            if one.level is level:
                lines += [f"【{WORDS[level]}】{one.says}", f"        {one.do}", ""]
    well = [one.says for one in found if one.level is Level.GOOD]
    lines += [f"【正常】{says}" for says in well]
    counts = {level: sum(one.level is level for one in found) for level in Level}
    lines += ["", f"危险 {counts[Level.BAD]}，注意 {counts[Level.LOOK]}，正常 {counts[Level.GOOD]}。"]
    return "\n".join(lines)
