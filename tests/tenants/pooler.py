"""A PgBouncer in transaction mode before the test's PostgreSQL, with as few connections behind it as one likes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from embedded.account import own
from embedded.ports import LOCAL, free_port
from embedded.server import Server

PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
query_wait_timeout = 10
"""


class PgBouncer(Server):
    """`size` connections to the server, lent for a transaction at a time; who waits longer than 10 s is refused."""

    name = "PgBouncer"
    start_seconds = 20.0

    def __init__(self, folder: Path, behind: str, *, size: int) -> None:
        folder.mkdir(mode=0o755)
        super().__init__(folder / "log")
        self.folder, self.behind, self.size, self.port = folder, make_url(behind), size, free_port()

    @property
    def url(self) -> str:
        """What DATABASE_URL is set to."""
        return self._url().render_as_string(hide_password=False)

    def _url(self) -> URL:
        return self.behind.set(host=LOCAL, port=self.port)

    def prepare(self) -> None:
        values = {"host": self.behind.host, "port": self.behind.port, "listen": self.port}
        (self.folder / "pgbouncer.ini").write_text(SETTINGS.format(folder=self.folder, size=self.size, **values))
        (self.folder / "users.txt").write_text(f'"{self.behind.username}" "{self.behind.password}"\n')
        own(self.folder)

    def command(self) -> Sequence[str | Path]:
        return [PROGRAM or "pgbouncer", "-q", self.folder / "pgbouncer.ini"]

    def ready(self) -> bool:
        address = self._url().set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            with psycopg.connect(address, connect_timeout=5, prepare_threshold=None):
                return True
        except psycopg.OperationalError:
            return False
