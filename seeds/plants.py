"""What the seed plants are, and how they come to a billed month: by the same code that the screens use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from app import periods
from app.areas.models import District, Route
from app.billing.service import issue_bills
from app.db import db, transaction
from app.intake.onboarding import open_plant
from app.intake.registry import IMPORTERS
from app.reports.service import build_summaries
from app.staff import service as staff
from app.staff import settings
from app.staff.models import StaffUser
from app.tariffs import document, library
from app.tariffs.service import import_tariff
from app.web import imports
from seeds import big
from tenants import context, passwords, resolver
from tenants.models import Operator
from tenants.session import platform
from worker.nightly import run_night

FOLDER = Path(__file__).parent
PASSWORD = "qingqu-2026"
PERIOD, NIGHT = "2026-10", date(2026, 11, 1)
SEEDED = "seeded"

STAFF = (
    ("admin", "站长", "manager"),
    ("shoufei", "王芳", "cashier"),
    ("caiwu", "赵敏", "accountant"),
    ("ziliao", "孙丽", "clerk"),
)
READERS = (("li", "李建国"), ("wang", "王永强"), ("chen", "陈小军"), ("ma", "马成林"), ("he", "何文斌"))


@dataclass(frozen=True, slots=True)
class Seed:
    """A plant to be seeded: its name and its workbooks, in the order they come in."""

    slug: str
    name: str
    county: str
    workbooks: tuple[tuple[str, str], ...]


SEEDS = (
    Seed(
        "shiquan",
        "石泉镇供水站",
        "石泉县",
        (
            ("quotas", "用水定额.xlsx"),
            ("customers", "shiquan/用户档案.xlsx"),
            ("readings", "shiquan/抄表数据_2026-10.xlsx"),
        ),
    ),
    Seed(
        "liushu",
        "柳树村供水站",
        "柳河县",
        (
            ("quotas", "用水定额.xlsx"),
            ("customers", "liushu/水费登记册.xlsx"),
            ("readings", "liushu/抄表数据_2026-10.xlsx"),
        ),
    ),
)


def seed_all(say: Callable[[str], None]) -> None:
    """Seed what is not seeded yet; what was cut off in the middle goes on where it stopped."""
    _seed_operator()
    for seed in SEEDS:
        tenant = resolver.by_slug(seed.slug)
        if tenant is None:
            say(f"{seed.name}：开通")
            tenant = open_plant(seed.slug, name=seed.name, county=seed.county, admin="admin", password=PASSWORD)
        with context.use(tenant):
            if not settings.get(SEEDED):
                _seed_plant(seed, say)
            db.session.remove()


def _seed_operator() -> None:
    with platform() as session:
        if not session.scalar(select(Operator.id)):
            session.add(
                Operator(
                    username="operator",
                    password_hash=passwords.hashed(PASSWORD),
                    name="平台运营",
                    active=True,
                    created_at=datetime.now(UTC),
                )
            )


def _seed_plant(seed: Seed, say: Callable[[str], None]) -> None:
    with transaction():
        hire()
        for file in sorted(library.FOLDER.glob("*.json")):
            import_tariff(document.read_json(file), by_id=None)
    for kind, workbook in seed.workbooks:
        with transaction():
            counts = _import(kind, FOLDER / workbook)
        say(f"{seed.name}：{workbook} {counts}")
        if kind == "customers":
            with transaction():
                assign_routes()
    say(f"{seed.name}：{NIGHT} 夜间出账")
    run_night(NIGHT)
    with transaction():
        settings.put(SEEDED, value=True)


def hire() -> None:
    """The seeds' staff and readers, those who are not there yet."""
    for username, name, role in (*STAFF, *((u, n, "reader") for u, n in READERS)):
        if not db.session.scalar(select(StaffUser.id).where(StaffUser.username == username)):
            staff.create_staff(username=username, password=PASSWORD, name=name, role=role)


def assign_routes() -> None:
    """Each 区 gets a reader, in turn."""
    readers = db.session.scalars(select(StaffUser.id).where(StaffUser.role == "reader").order_by(StaffUser.id)).all()
    for number, district_id in enumerate(db.session.scalars(select(District.id).order_by(District.id)).all()):
        db.session.execute(
            update(Route).where(Route.district_id == district_id).values(reader_id=readers[number % len(readers)])
        )


def _import(kind: str, file: Path) -> str:
    options: dict[str, Any] = {"period": PERIOD} if kind == "readings" else {}
    with file.open("rb") as workbook:
        found = imports.confirm(IMPORTERS[kind], workbook, options, by_id=None, filename=file.name)
    return f"导入 {found.ok} 行，错误 {found.wrong_rows} 行"


def seed_big(customers: int, say: Callable[[str], None]) -> None:
    """One plant `big` with so many customers and a year of readings and bills."""
    tenant = resolver.by_slug("big")
    if tenant:
        say("大水厂已经有了，地址 big")
        return
    tenant = open_plant("big", name=f"{customers} 户大水厂", admin="admin", password=PASSWORD)
    with context.use(tenant):
        with transaction():
            for file in sorted(library.FOLDER.glob("*.json")):
                import_tariff(document.read_json(file), by_id=None)
            big.fill(customers)
        for period in periods.months_ending(PERIOD, 12):
            with transaction():
                big.read(period)
            night = periods.first_day(periods.shift(period, 1))
            with transaction():
                found = issue_bills(period, on=night, by_id=None)
            say(f"{period}：{found.bills} 张账单 ¥{found.amount:,.2f}")
        with transaction():
            build_summaries()


def logins() -> list[str]:
    """The seed logins, a line each."""
    return [f"用户名 {username}（{name}）  密码 {PASSWORD}" for username, name, _ in STAFF[:2]] + [
        f"运营台用户名 operator  密码 {PASSWORD}"
    ]
