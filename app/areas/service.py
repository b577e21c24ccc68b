"""Making and changing areas and their books."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app import audit
from app.areas import queries
from app.areas.models import District, Route
from app.areas.rules import full_name
from app.db import db
from app.errors import DomainError
from app.staff.models import StaffUser
from app.staff.service import remove_staff


def ensure_routes(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Route ids by (区, 册); what does not exist yet is made, in the order given."""
    wanted = list(dict.fromkeys(names))
    districts = {d.name: d for d in db.session.scalars(select(District))}
    new = []
    for district_name, _ in wanted:
        if district_name not in districts:
            districts[district_name] = District(name=district_name)
            db.session.add(districts[district_name])
            new.append(districts[district_name])
    db.session.flush()
    for district in new:
        audit.record("created", "district", district.id, {"name": district.name})
    name_of = {d.id: d.name for d in districts.values()}
    found = {(name_of[r.district_id], r.name): r for r in db.session.scalars(select(Route))}
    made = []
    for district_name, route_name in wanted:
        if (district_name, route_name) not in found:
            route = Route(district_id=districts[district_name].id, name=route_name)
            db.session.add(route)
            made.append(route)
            found[district_name, route_name] = route
    db.session.flush()
    for route in made:
        audit.record("created", "route", route.id, {"name": full_name(name_of[route.district_id], route.name)})
    return {key: found[key].id for key in wanted}


def _district(district_id: int | None, name: str) -> District:
    """The 区 chosen, or the one of that name, made where it is not there yet."""
    if district_id is not None:
        found = db.session.get(District, district_id)
        if found is None:
            raise DomainError("这个区刚刚被删除，请重新选择。", field="district")
        return found
    found = db.session.scalar(select(District).where(District.name == name))
    if found is None:
        found = District(name=name)
        db.session.add(found)
        db.session.flush()
        audit.record("created", "district", found.id, {"name": name})
    return found


def _free_name(district: District, name: str, *, besides: int | None = None) -> None:
    """Refuse a name under which another 册 of the 区 is known ('一册' and '东街一册' are the same)."""
    wanted = full_name(district.name, name)
    for key, taken in db.session.execute(select(Route.id, Route.name).where(Route.district_id == district.id)):
        if key != besides and full_name(district.name, taken) == wanted:
            raise DomainError(f"「{district.name}」里已经有「{taken}」，请换一个册名。", field="name")


def _flush_names() -> None:
    """Store; two people who take the same name at once find out here."""
    try:
        db.session.flush()
    except IntegrityError as clash:
        raise DomainError("同名的区册刚刚有人建好，请返回列表看一看。", field="name") from clash


def create_route(*, district_id: int | None, new_district: str, name: str) -> Route:
    """新增 a 册, in a 区 that is there or a new one. Raises DomainError for a name that is taken."""
    district = _district(district_id, new_district)
    _free_name(district, name)
    route = Route(district_id=district.id, name=name)
    db.session.add(route)
    _flush_names()
    audit.record("created", "route", route.id, {"name": full_name(district.name, name)})
    return route


def change_route(route: Route, *, district_id: int | None, new_district: str, name: str) -> None:
    """修改区册: another name or another 区; a 区 left without a 册 goes. Raises DomainError for a name that is taken."""
    left = route.district_id
    district = _district(district_id, new_district)
    _free_name(district, name, besides=route.id)
    audit.assign(route, {"district_id": district.id, "name": name}, name="route")
    _flush_names()
    _tidy_up(left)


def rename_district(district: District, *, name: str) -> None:
    """改区名. Raises DomainError for a name that is taken."""
    if db.session.scalar(select(District.id).where(District.name == name, District.id != district.id)):
        raise DomainError(f"已经有「{name}」，请换一个区名。", field="name")
    audit.assign(district, {"name": name}, name="district")
    _flush_names()


def delete_route(route: Route) -> None:
    """删除 a 册, and its 区 with the last one. Raises DomainError while customers are in it, or records name it."""
    name = full_name(route.district.name, route.name)
    found = queries.hanging(route.id)
    if found.customers:
        raise DomainError(_still_there(name, found, queries.neighbours(route)))
    if found.records:
        raise DomainError(
            f"「{name}」有 {found.records:,} 条抄表和账单记录，报表还要用，不能删除；不用的册可以改个名。"
        )
    left = route.district_id
    audit.record("deleted", "route", route.id, {"name": name})
    db.session.delete(route)
    try:
        db.session.flush()
    except IntegrityError as moved_in:
        raise DomainError(f"刚刚有用户放进了「{name}」，不能删除。") from moved_in
    _tidy_up(left)


def _still_there(name: str, found: queries.Hanging, others: list[str]) -> str:
    closed = f"（其中销户 {found.closed} 户）" if found.closed else ""
    where = f"，例如「{others[0]}」" if others else ""
    return (
        f"「{name}」里还有 {found.customers:,} 户{closed}，不能删除。"
        f"请点这一册的用户数，选中用户后用「批量换区册」移到别的册{where}，再来删除。"
    )


def _tidy_up(district_id: int) -> None:
    """A 区 is there for its 册."""
    if db.session.scalar(select(Route.id).where(Route.district_id == district_id).limit(1)) is None:
        gone = delete(District).where(District.id == district_id).returning(District.name)
        audit.record("deleted", "district", district_id, {"name": db.session.scalar(gone)})


def assign_routes(*, reader: StaffUser, take: Collection[int], give: Collection[int]) -> None:
    """抄表范围: the reader gets the 册 in `take`, which nobody has, and gives back those in `give`; all or nothing.

    The rows are locked: where two assign the same 册 at once, the second is told who has it. Raises DomainError.
    """
    if not reader.active or reader.role != "reader":
        raise DomainError(f"「{reader.name}」现在不是在岗的抄表员，不能分配区册。")
    chosen = select(Route).where(Route.id.in_([*take, *give])).order_by(Route.id)
    routes = db.session.scalars(chosen.with_for_update().execution_options(populate_existing=True)).all()
    taken = [r for r in routes if r.id in take and r.reader_id not in (None, reader.id)]
    if taken:
        names = "、".join(full_name(r.district.name, r.name) for r in taken)
        raise DomainError(f"「{names}」刚刚已分给别的抄表员，下面是最新情况，请重新选择。")
    if len({r.id for r in routes} & set(take)) < len(set(take)):
        raise DomainError("有的册刚刚被删除，下面是最新情况，请重新选择。")
    for route in routes:
        if route.id in take:
            audit.assign(route, {"reader_id": reader.id}, name="route")
        elif route.reader_id == reader.id:
            audit.assign(route, {"reader_id": None}, name="route")
    db.session.flush()


def dismiss_reader(reader: StaffUser) -> bool:
    """删除 a 抄表员; False: records name him, so he is only disabled. Raises DomainError while he has books."""
    books = queries.books_of(reader.id)
    if books:
        raise DomainError(
            f"「{reader.name}」还负责{'、'.join(books)}，不能删除。请先在「抄表范围」里收回这些册，再分给别人。"
        )
    return remove_staff(reader)
