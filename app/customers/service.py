"""Opening, changing and closing accounts. Their money is moved by app.payments alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import audit
from app.customers import queries
from app.customers.models import Customer
from app.customers.rules import clashes, plain
from app.db import db
from app.errors import DomainError
from app.money import fmt_yuan
from app.pinyin import initials


class Overtaken(DomainError):
    """Somebody else changed the same fields meanwhile: `now` is what they made of them, by field."""

    def __init__(self, by_name: str, now: dict[str, object]) -> None:
        self.by_name = by_name or "别人"
        self.now = now
        super().__init__(f"您填写的时候，{self.by_name}也改了这一户，两边不一样的都标出来了，请选定后再确认一次。")


def open_customer(*, values: Mapping[str, Any], on: date) -> Customer:
    """新增: an account from the day on. Without 册内序号 it comes last in its book. DomainError for a 户号 that is taken."""
    given = dict(values)
    if given.get("route_seq") is None:
        given["route_seq"] = queries.next_place(given["route_id"])
    person = Customer(**given, holder_initials=initials(given["holder"]), opened_on=on)
    try:
        with db.session.begin_nested():
            db.session.add(person)
    except IntegrityError as error:
        raise _taken(given["customer_no"]) from error
    audit.record("created", "customer", person.id, audit.facts(person, "credit_balance"))
    return person


def change_customer(customer_id: int, *, values: Mapping[str, Any], seen: Mapping[str, str]) -> Customer:
    """修改: what differs from what the person was shown (`seen`) is stored; what others changed meanwhile stays.

    Overtaken where both changed the same field; DomainError for a closed account, a 户号 that is taken, and for
    charging without a meter while one is bound.
    """
    person = locked(customer_id)
    if person.state == "closed":
        raise DomainError("这一户已经销户，要修改请先恢复。")
    now = {name: getattr(person, name) for name in values}
    both = clashes(now, seen, values)
    if both:
        raise Overtaken(queries.last_editor(customer_id), both)
    mine = {name: value for name, value in values.items() if name not in seen or plain(value) != seen[name]}
    _refuse_bound(person, mine)
    if mine.get("route_seq", 0) is None:
        mine["route_seq"] = queries.next_place(mine.get("route_id", person.route_id))
    try:
        with db.session.begin_nested():
            audit.assign(person, mine, name="customer")
            if "holder" in mine:
                person.holder_initials = initials(person.holder)
    except IntegrityError as error:
        raise _taken(str(values["customer_no"])) from error
    return person


def remove_customer(customer_id: int) -> bool:
    """删除: an account that nothing was ever booked on is erased. False where it has a history: it can only be closed.

    DomainError where a meter is still bound.
    """
    person = locked(customer_id)
    found = queries.history(customer_id)
    _refuse_meters(found)
    if found.any:
        return False
    audit.record("deleted", "customer", person.id, audit.facts(person, "credit_balance"))
    db.session.delete(person)
    db.session.flush()
    return True


def close_customer(customer_id: int, *, on: date) -> Customer:
    """销户: from the day on nothing is billed; every record stays. DomainError while a meter, a debt or money is left."""
    person = locked(customer_id)
    found = queries.history(customer_id)
    if person.state == "closed":
        raise DomainError("这一户已经销户了。")
    _refuse_meters(found)
    if found.owed:
        raise DomainError(f"「{person.holder}」还欠水费 {fmt_yuan(found.owed)}，请先缴清再销户。")
    if person.credit_balance:
        raise DomainError(f"「{person.holder}」还有预存 {fmt_yuan(person.credit_balance)}，请先退给用户再销户。")
    audit.assign(person, {"state": "closed", "closed_on": on}, name="customer")
    db.session.flush()
    return person


def reopen_customer(customer_id: int) -> Customer:
    """恢复: a closed account is used again. DomainError where it is not closed."""
    person = locked(customer_id)
    if person.state != "closed":
        raise DomainError("这一户没有销户，不用恢复。")
    audit.assign(person, {"state": "active", "closed_on": None}, name="customer")
    db.session.flush()
    return person


_MOVE = text("""
    WITH held AS (
        SELECT id, route_id, route_seq FROM customer
        WHERE id = ANY(:ids) AND route_id <> :route_id AND state = 'active' ORDER BY id FOR NO KEY UPDATE
    ), chosen AS (
        SELECT held.*, row_number() OVER (ORDER BY route_id, route_seq, id) AS place FROM held
    ), last AS (SELECT coalesce(max(route_seq), 0) AS place FROM customer WHERE route_id = :route_id)
    UPDATE customer AS c SET route_id = :route_id, route_seq = last.place + chosen.place
    FROM chosen, last WHERE c.id = chosen.id
    RETURNING c.id, chosen.route_id, chosen.route_seq, c.route_seq
""")
_DEDUCT = text("""
    UPDATE customer SET auto_deduct = :auto WHERE id = ANY(:ids) AND auto_deduct <> :auto AND state = 'active' RETURNING id
""")


def move_to_route(customer_ids: Sequence[int], *, route_id: int) -> int:
    """批量换区册: they come last in the book, in the order they stood. How many moved (closed ones stay)."""
    rows = _executed(_MOVE, customer_ids, route_id=route_id)
    audit.record_all(
        "changed",
        "customer",
        {key: {"route_id": [old, route_id], "route_seq": [was, now]} for key, old, was, now in rows},
    )
    return len(rows)


def set_auto_deduct(customer_ids: Sequence[int], *, auto_deduct: bool) -> int:
    """批量设自动扣费. How many were changed (closed ones stay)."""
    rows = _executed(_DEDUCT, customer_ids, auto=auto_deduct)
    audit.record_all("changed", "customer", {key: {"auto_deduct": [not auto_deduct, auto_deduct]} for (key,) in rows})
    return len(rows)


def _executed(statement: Any, ids: Sequence[int], **values: object) -> Sequence[Any]:
    if not ids:
        return []
    return db.session.execute(statement, {"ids": list(ids), **values}).all()


def _taken(customer_no: str) -> DomainError:
    holder = queries.holders_by_no([customer_no]).get(customer_no, "")
    return DomainError(f"户号「{customer_no}」已经是「{holder}」的，请换一个。", field="customer_no")


def _refuse_meters(found: queries.History) -> None:
    if found.meters:
        raise DomainError(f"还绑着水表「{found.meters}」，请先在「水表信息」里解绑。")


def _refuse_bound(person: Customer, changes: Mapping[str, Any]) -> None:
    """Who has a meter is charged by it, as what the binding says."""
    if changes.get("charged_by_meter") is not False or not person.charged_by_meter:
        return
    meters = queries.history(person.id).meters
    if meters:
        raise DomainError(f"还绑着水表「{meters}」，请先解绑，再改成不抄表。", field="charged_by_meter")


def locked(customer_id: int) -> Customer:
    """The account, locked until the transaction ends. DomainError where there is none."""
    found: Customer | None = db.session.scalar(
        select(Customer).where(Customer.id == customer_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise DomainError("没有这个用户，可能已被删除，请刷新后再看。")
    return found
