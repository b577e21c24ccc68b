"""Passwords that everybody knows: those of the seeds, where they still open an account of a plant or of the console."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from app.doctor.finding import Finding, bad, good, look
from tenants import passwords, resolver
from tenants.models import Operator, Plant
from tenants.session import connection_for

KNOWN = ("qingqu-2026",)  # what the README says
NAMES = ("admin", "shoufei", "caiwu", "ziliao", "li", "wang", "chen", "ma", "he", "operator")  # whom the seeds hire
_STAFF = text("SELECT username, password_hash FROM staff_user WHERE active AND username = ANY(:names)")
SECONDS = 60.0  # argon2 is slow on purpose: what is not looked at by then is said
SHOWN = 5


class Account(NamedTuple):
    """Somebody who may log in; `plant` is '' on the console."""

    plant: str
    username: str
    password_hash: str

    def __str__(self) -> str:
        return f"{self.plant or '运营台'} 的 {self.username}"


def check(connection: Connection) -> Iterator[Finding]:
    """Who still has a known password, or that nobody has; and plants whose accounts cannot be read."""
    unread: list[str] = []
    accounts = [*_operators(connection), *staff(connection, unread)]
    known, looked = with_known_password(accounts)
    if unread:
        yield bad(
            "plants",
            f"{len(unread)} 个水厂的账号读不出来：{'、'.join(unread[:SHOWN])}。",
            "先运行 flask migrate；还是这样，就从导出文件或备份恢复它。",
        )
    if known:
        named = "、".join(str(one) for one in known[:SHOWN]) + (f"，等 {len(known)} 个" if len(known) > SHOWN else "")
        yield bad(
            "known_passwords",
            f"{named}还用着示例里的密码，谁都能登录。",
            "马上登录改密码，或在员工管理（运营台「运营人员」）里重置；示例水厂不要留在正式的服务器上。",
        )
    elif looked < len(accounts):
        yield look(
            "known_passwords",
            f"示例密码：{len(accounts)} 个账号里查了 {looked} 个，没有发现。",
            "账号太多，一分钟里查不完；示例水厂不要留在正式的服务器上。",
        )
    else:
        yield good("known_passwords", f"查了 {looked} 个账号，没有人用示例里的密码。")


def _operators(connection: Connection) -> list[Account]:
    rows = connection.execute(select(Operator.username, Operator.password_hash).where(Operator.active))
    return [Account("", username, stored) for username, stored in rows]


def staff(connection: Connection, unread: list[str]) -> Iterator[Account]:
    """Of every plant those who are called as the seeds' people, as the plant itself; plants that fail go into `unread`."""
    for slug in connection.scalars(select(Plant.slug).where(Plant.state != "archived").order_by(Plant.id)).all():
        tenant = resolver.by_slug(slug)
        if tenant is None:
            continue
        try:
            with connection_for(tenant) as of_plant:
                rows = of_plant.execute(_STAFF, {"names": list(NAMES)}).all()
        except DBAPIError:
            unread.append(slug)
            continue
        yield from (Account(slug, username, stored) for username, stored in rows)


def with_known_password(accounts: Sequence[Account]) -> tuple[list[Account], int]:
    """Those, and how many could be looked at in the time. argon2 lets other threads run meanwhile."""
    end, found, looked = time.monotonic() + SECONDS, [], 0
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(accounts), 8):
            if time.monotonic() > end:
                break
            some = accounts[start : start + 8]
            fits = pool.map(lambda one: any(passwords.matches(one.password_hash, word) for word in KNOWN), some)
            found += [one for one, known in zip(some, fits, strict=True) if known]
            looked += len(some)
    return found, looked
