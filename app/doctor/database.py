"""PostgreSQL: who we are there, what everybody may do, how it is set, and whether the tables are the newest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from app.doctor.finding import Finding, bad, good, look
from app.observe import readiness
from tenants import hardening, vitals
from tenants.roles import server_version

OLDEST, LOCKS = 15, 1024

_ROLE = text("""
    SELECT rolname, rolsuper, rolcreaterole, rolbypassrls, rolreplication,
           pg_get_userbyid(d.datdba) = rolname AS owner
    FROM pg_roles, pg_database d WHERE rolname = session_user AND d.datname = current_database()
""")
# The grantee 0 is PUBLIC. A function whose rights nobody has touched is everybody's.
_OPEN = text("""
    SELECT f.name FROM unnest(CAST(:functions AS text[])) AS f (name)
    JOIN pg_proc p ON p.oid = to_regprocedure(f.name)
    WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                  WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
""")
_CREATE = text("""
    SELECT EXISTS (SELECT FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                   WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')
""")
_MAY_SET = text("SELECT has_function_privilege(session_user, CAST(:function AS regprocedure), 'EXECUTE')")


def check(connection: Connection) -> Iterator[Finding]:
    """All of them, on one connection that names no role."""
    version = server_version(connection)
    yield _version(version)
    role = connection.execute(_ROLE).one()
    yield _superuser(role)
    yield _may_make_roles(role)
    yield _functions(connection, role.rolname)
    yield _public_schema(connection)
    yield from _set_as(connection)
    yield from _migrations(connection)


def _version(version: int) -> Finding:
    if version < OLDEST:
        return bad("postgresql", f"PostgreSQL 是 {version}，太旧。", f"升级到 {OLDEST} 或更新。")
    return good("postgresql", f"PostgreSQL {version}。")


def _superuser(role: Any) -> Finding:
    name = role.rolname
    if role.rolsuper or role.rolbypassrls or role.rolreplication:
        return bad(
            "database_role",
            f"程序用的数据库用户「{name}」权限太大（超级用户、复制或绕过行安全）：一处漏洞就是整台数据库。",
            f"以另一个超级用户执行：ALTER ROLE {name} NOSUPERUSER NOREPLICATION NOBYPASSRLS CREATEROLE;",
        )
    return good("database_role", f"数据库用户「{name}」不是超级用户。")


def _may_make_roles(role: Any) -> Finding:
    if not role.rolcreaterole:
        return bad(
            "create_role",
            "数据库用户不能建角色，开不了新水厂。",
            f"以超级用户执行：ALTER ROLE {role.rolname} CREATEROLE;",
        )
    if not role.owner:
        return bad(
            "database_owner",
            "数据库不属于程序用的用户，建不了水厂的表。",
            f"以超级用户执行：ALTER DATABASE 数据库名 OWNER TO {role.rolname};",
        )
    return good("create_role", "能建角色，数据库是自己的。")


def _functions(connection: Connection, login: str) -> Finding:
    found = list(connection.scalars(_OPEN, {"functions": list(hardening.CLOSED)}))
    if found:
        names = "、".join(sorted({_short(name) for name in found}))
        statements = [hardening.revoke(function) for function in found]
        statements += [hardening.grant_to(login)] if hardening.SET_CONFIG in found else []
        return bad(
            "public_functions",
            f"{len(found)} 个函数谁都能用（{names}）：混进来的 SQL 可能换成别的水厂，或留下东西。",
            "以超级用户在这个数据库里执行：" + "; ".join(statements) + ";",
        )
    if not connection.scalar(_MAY_SET, {"function": hardening.SET_CONFIG}):
        return bad(
            "public_functions",
            "程序自己的用户也不能用 set_config，导出（pg_dump）会失败。",
            f"以超级用户执行：{hardening.grant_to(login)};",
        )
    return good("public_functions", "set_config、会话锁和大对象不对所有人开放。")


def _short(function: str) -> str:
    return function.removeprefix("pg_catalog.").partition("(")[0]


def _public_schema(connection: Connection) -> Finding:
    if connection.scalar(_CREATE):
        return bad(
            "public_schema", "谁都能在 public 里建东西。", f"以超级用户在这个数据库里执行：{hardening.NO_CREATE};"
        )
    return good("public_schema", "没有人能在 public 里建东西。")


def _set_as(connection: Connection) -> Iterator[Finding]:
    locks, zone, fsync = (
        str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
        for name in ("max_locks_per_transaction", "timezone", "fsync")
    )
    if int(locks) < LOCKS:
        yield look(
            "max_locks",
            f"max_locks_per_transaction 是 {locks}，水厂多了以后备份（pg_dump）会失败。",
            f"在 postgresql.conf 设 max_locks_per_transaction = {LOCKS}，再重启数据库。",
        )
    else:
        yield good("max_locks", f"max_locks_per_transaction {locks}。")
    if zone.upper() in ("UTC", "ETC/UTC", "GMT", "ASIA/SHANGHAI", "PRC"):
        yield good("time_zone", f"数据库的时区是 {zone}。")
    else:
        yield look(
            "time_zone", f"数据库的时区是 {zone}，日志里的时间不好对。", "在 postgresql.conf 设 timezone = 'UTC'。"
        )
    if fsync != "on":
        yield bad(
            "fsync", "数据库的 fsync 关着：断一次电，账可能就坏了。", "在 postgresql.conf 设 fsync = on，再重启数据库。"
        )


def _migrations(connection: Connection) -> Iterator[Finding]:
    if connection.scalar(text("SELECT to_regclass('platform.revision')")) is None:
        yield bad("migrations", "数据库里还没有平台的表。", "执行 flask migrate。")
        return
    behind = vitals.platform_behind(connection)
    late = sum(count for (_, steps), count in vitals.plants(connection).items() if steps)
    if behind > 0:
        yield bad("migrations", readiness.PLATFORM_BEHIND.format(n=behind).partition(" (")[0], "执行 flask migrate。")
    elif late:
        yield look("migrations", f"{late} 座水厂的表还没有更新。", "执行 flask migrate；它会说是哪几座、为什么。")
    else:
        yield good("migrations", "所有的表都是最新的。")
