"""Within one plant: a reader reaches nothing of another's books, a cashier nothing of another's takings."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.db import db, transaction
from app.permissions import NEEDS, Permission, complete
from app.staff import roles
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.doors.conftest import SECOND
from tests.doors.crawl import FOREIGN, OF_READER, PLAIN, WHOLE, Door, doors, guarded, stored
from tests.intake.workbooks import sheet

P = Permission
# Whatever somebody may be allowed who sees only his own books.
GENEROUS = {p for p in P if P.VIEW_ALL_BOOKS not in complete(frozenset({p}))}
CLOSED = (403, 404)
EVERYBODYS = "9000"  # every 户号 begins so


def id_of(username: str) -> int:
    found: int = db.session.execute(text("SELECT id FROM staff_user WHERE username = :u"), {"u": username}).scalar_one()
    return found


@pytest.fixture(scope="module", params=["usual", "generous"])
def reader(app: Flask, shared: Tenant, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The first reader, with what is usual and with all that a plant may let him do without seeing all books."""
    with context.use(shared):
        with transaction():
            make.may_also("reader", *(GENEROUS if request.param == "generous" else ()))
        db.session.remove()
    site = Site(app, shared)
    assert site.log_in("reader", PASSWORD).status_code == 302
    yield site
    with context.use(shared):
        with transaction():
            roles.restore_roles()
        db.session.remove()


def doors_of(app: Flask, plant: Tenant, username: str) -> list[Door]:
    with context.use(plant):
        key = id_of(username)
    return guarded(doors(app, plant, reader=key))


def words_of(answer: Any) -> str:
    """What is said, also inside a workbook."""
    if not answer.data.startswith(b"PK"):
        return str(answer.text) if answer.mimetype.startswith(("text/", "application/json")) else ""
    with zipfile.ZipFile(BytesIO(answer.data)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


def without_log(rows: dict[str, str]) -> dict[str, str]:
    """The log counts the copies of a receipt."""
    return rows | {"audit_entry": ""}


def test_every_argument_of_an_address_is_of_a_book_or_of_the_plant(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("console.")]
    assert {one for rule in rules for one in rule.arguments} <= OF_READER.keys() | WHOLE | PLAIN.keys()


def test_what_hangs_on_anothers_book_is_shut(app: Flask, shared: Tenant, reader: Site) -> None:
    before, wrong = stored(shared), {}
    theirs = [door for door in doors_of(app, shared, SECOND) if door.of_book]
    for door in theirs:
        for headers in ({}, {"HX-Request": "true"}):
            answer = door.knock(reader, headers=headers)
            if answer.status_code not in CLOSED or FOREIGN in words_of(answer):
                wrong[str(door)] = answer.status
    assert wrong == {}
    assert stored(shared) == before
    assert len(theirs) > 40


def test_no_page_and_no_export_says_a_word_of_anothers_book(app: Flask, shared: Tenant, reader: Site) -> None:
    before, wrong, looked = without_log(stored(shared)), {}, 0
    mine = [door for door in doors_of(app, shared, "reader") if door.method == "GET"]
    paths = [door.path for door in mine]
    paths += [
        f"{path}{query}" for path in paths for query in ("?size=100", "?export=xlsx", f"?q={EVERYBODYS}", "?tab=all")
    ]
    paths += [f"/customers/{customer}?tab={tab}" for customer in own(shared) for tab in ("meters", "bills", "payments")]
    paths += ["/orders?state=unpaid&size=100", "/orders?state=unpaid&export=xlsx"]
    for path in paths:
        answer = reader.get(path)
        looked += answer.status_code == 200
        said = words_of(answer)
        if FOREIGN in said:
            wrong[path] = said[max(0, said.index(FOREIGN) - 80) :][:160]
    assert wrong == {}
    assert looked > 60
    assert without_log(stored(shared)) == before


def own(plant: Tenant) -> list[int]:
    with context.use(plant):
        query = (
            "SELECT c.id FROM customer c JOIN route r ON r.id = c.route_id WHERE r.reader_id = :me ORDER BY 1 LIMIT 2"
        )
        return list(db.session.scalars(text(query), {"me": id_of("reader")}))


def test_what_a_form_or_a_list_names_of_anothers_book_is_refused(app: Flask, shared: Tenant, reader: Site) -> None:
    before = stored(shared)
    with context.use(shared):
        query = """SELECT c.id, sum(o.unpaid) FROM customer c JOIN open_item o ON o.customer_id = c.id
                   JOIN route r ON r.id = c.route_id WHERE r.reader_id = :b GROUP BY 1 ORDER BY 1 LIMIT 1"""
        theirs, owed = db.session.execute(text(query), {"b": id_of(SECOND)}).one()
        db.session.rollback()
    paid = {"method": "cash", "tendered": str(owed), "key": "k"}
    for answer in (
        reader.post("/counter/payments", data=paid | {"customer_id": theirs}),
        reader.post("/counter/together", data=paid | {"bills": f"{theirs}:{owed}"}),
        reader.get(f"/owing/notices.pdf?id={theirs}"),
    ):
        assert answer.status_code in CLOSED
    for path in (f"/counter/together?ids={theirs}", f"/customers/batch/route?id={theirs}"):
        assert FOREIGN not in reader.get(path).text
    assert stored(shared) == before


def test_his_own_is_open(app: Flask, shared: Tenant, reader: Site) -> None:
    with context.use(shared):
        key = own(shared)[0]
        number, route_id = db.session.execute(
            text("SELECT customer_no, route_id FROM customer WHERE id = :id"), {"id": key}
        ).one()
    assert reader.get(f"/customers/{key}").status_code == 200
    assert reader.get(f"/search?q={number}").location == f"/customers/{key}"
    assert reader.get(f"/readings/books/{route_id}").status_code == 200
    assert "共 30 户" in reader.get("/customers").text
    assert "共 30 块" in reader.get("/meters/").text
    assert "共 30 条" in reader.get("/readings?period=2026-09").text


def test_everybody_else_sees_all_of_it(app: Flask, shared: Tenant) -> None:
    for role in ("clerk", "accountant", "cashier"):
        site = Site(app, shared)
        site.log_in(role, PASSWORD)
        assert "共 60 户" in site.get("/customers").text
        assert FOREIGN in site.get("/customers?size=100").text


def test_a_customer_and_a_book_that_go_elsewhere_are_out_of_sight(app: Flask, shared: Tenant) -> None:
    site = Site(app, shared)
    site.log_in("reader", PASSWORD)
    key, other = own(shared)
    assert site.get(f"/customers/{key}").status_code == 200
    with context.use(shared):
        route, theirs = db.session.execute(
            text(
                "SELECT c.route_id, (SELECT min(id) FROM route WHERE reader_id = :b) FROM customer c WHERE c.id = :id"
            ),
            {"id": key, "b": id_of(SECOND)},
        ).one()
        db.session.rollback()

    def move(to: int) -> None:
        with context.use(shared):
            with transaction():
                db.session.execute(text("UPDATE customer SET route_id = :to WHERE id = :id"), {"to": to, "id": key})
            db.session.remove()

    def give(to: str) -> None:
        with context.use(shared):
            with transaction():
                query = text(
                    "UPDATE route SET reader_id = :to WHERE id = (SELECT route_id FROM customer WHERE id = :id)"
                )
                db.session.execute(query, {"to": id_of(to), "id": other})
            db.session.remove()

    move(theirs)
    assert site.get(f"/customers/{key}").status_code == 404  # with all that was read of it before
    assert "共 29 条" in site.get("/readings?period=2026-09").text
    move(route)
    give(SECOND)
    assert site.get(f"/customers/{other}").status_code == 404
    second = Site(app, shared)
    second.log_in(SECOND, PASSWORD)
    assert second.get(f"/customers/{other}?tab=readings").status_code == 200  # he needs what it showed before
    give("reader")


def test_a_reader_without_books_is_told_whom_to_ask(app: Flask, shared: Tenant) -> None:
    with context.use(shared):
        books = list(db.session.scalars(text("SELECT id FROM route WHERE reader_id = :a"), {"a": id_of("reader")}))
        with transaction():
            db.session.execute(text("UPDATE route SET reader_id = NULL WHERE id = ANY(:ids)"), {"ids": books})
        db.session.remove()
    site = Site(app, shared)
    site.log_in("reader", PASSWORD)
    for path in ("/customers", "/meters/", "/readings", "/readings/books", "/use-categories/changes", "/"):
        page = site.get(path).text
        assert ("请找站长或资料员" in page, FOREIGN in page) == (True, False), path
    with context.use(shared):
        with transaction():
            query = text("UPDATE route SET reader_id = :a WHERE id = ANY(:ids)")
            db.session.execute(query, {"ids": books, "a": id_of("reader")})
        db.session.remove()


def test_a_sheet_of_readings_takes_in_ones_own_books_only(app: Flask, shared: Tenant) -> None:
    with context.use(shared):
        numbers = {
            name: db.session.scalar(
                text("""SELECT min(m.meter_no) FROM meter m JOIN meter_binding b ON b.meter_id = m.id
                        JOIN customer c ON c.id = b.customer_id JOIN route r ON r.id = c.route_id
                        WHERE r.reader_id = :key"""),
                {"key": id_of(name)},
            )
            for name in ("reader", SECOND)
        }
        db.session.rollback()
    before = without_log(stored(shared))["reading"]
    site = Site(app, shared)
    site.log_in("reader", PASSWORD)
    rows = [(numbers[name], 900) for name in ("reader", SECOND)]
    file = (BytesIO(sheet(("表号", "本期止码"), *rows).getvalue()), "11月.xlsx")
    sent = site.post("/imports/readings", data={"file": file, "period": "2026-11"}, content_type="multipart/form-data")
    page = site.get(sent.location).text
    assert f"表号「{numbers[SECOND]}」不在分给您的册里" in page
    site.post(f"{sent.location}/confirmation")
    assert without_log(stored(shared))["reading"] != before
    with context.use(shared):
        count = db.session.scalar(text("SELECT count(*) FROM reading WHERE period = '2026-11'"))
        assert count == 1
        with transaction():
            db.session.execute(text("DELETE FROM reading WHERE period = '2026-11'"))
        db.session.remove()


def test_a_cashier_reaches_nobody_elses_takings(app: Flask, shared: Tenant) -> None:
    site = Site(app, shared)
    site.log_in("cashier", PASSWORD)
    wrong = {}
    found = [door for door in doors_of(app, shared, SECOND) if "payment_id" in rule_of(app, door)]
    for door in found:
        answer = door.knock(site)
        if answer.status_code not in CLOSED:
            wrong[str(door)] = answer.status
    assert wrong == {}
    assert len(found) > 6


def rule_of(app: Flask, door: Door) -> set[str]:
    return {one for rule in app.url_map.iter_rules(door.endpoint) for one in rule.arguments}


def test_what_is_left_to_give_to_somebody_with_books_of_his_own() -> None:
    assert P.CHARGE in GENEROUS
    assert P.EDIT_CUSTOMERS not in GENEROUS
    assert all(P.VIEW_ALL_BOOKS in NEEDS[one] for one in P if one in NEEDS and one not in GENEROUS)
