"""The one folder where everything lives: data, secrets, logs, and what is known of the running processes."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from embedded.errors import StartError
from embedded.files import write_private
from embedded.process import Identity

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Holder:
    """Who holds a home: `up` (the whole system) or `run` (the two servers, for one command)."""

    kind: str
    pid: int
    started: int
    port: int
    ready: bool = False

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.started)


class Home:
    """QINGQU_HOME, or var/ in the checkout."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.log = self.path / "log"
        self.run = self.path / "run"
        self._lock: IO[str] | None = None

    @classmethod
    def find(cls) -> Home:
        return cls(Path(os.environ.get("QINGQU_HOME") or ROOT / "var"))

    def make(self) -> None:
        """Make the folders; refuse one that is another user's, whose files would then be of two owners."""
        try:
            for folder in (self.path, self.log, self.run):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"不能在 {self.path} 里建文件夹：{error.strerror}。") from error
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            other, me = _name(owner), _name(os.geteuid())
            raise StartError(f"数据文件夹 {self.path} 属于用户 {other}，请用该用户运行（现在是 {me}）。")

    def secret_key(self) -> str:
        """What signs the session cookies: made once, so that a restart logs nobody out."""
        path = self.path / "secret_key"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path.read_text()

    def acquire(self, kind: str, port: int) -> bool:
        """Take the home for this process, until it ends however it ends. False if another process has it."""
        if self._lock is None:
            self._lock = (self.run / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            return False
        self.announce(kind, port, ready=False)
        return True

    def announce(self, kind: str, port: int, *, ready: bool) -> None:
        """Tell other processes who we are and whether what we started can be used."""
        me = Identity.of(os.getpid())
        assert me is not None
        holder = Holder(kind=kind, pid=me.pid, started=me.started, port=port, ready=ready)
        write_private(self.run / "holder.json", json.dumps(asdict(holder)))

    def release(self) -> None:
        if self._lock is not None:
            for name in ("env", "holder.json"):
                (self.run / name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def holder(self) -> Holder | None:
        """Who has the home now, if anybody. A holder that was killed is none any more."""
        try:
            holder = Holder(**json.loads((self.run / "holder.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return holder if holder.identity.alive() else None

    def write_env(self, values: dict[str, str]) -> None:
        """Keep what our children were given, for the commands of bin/ (it holds passwords: 0600)."""
        write_private(self.run / "env", "".join(f"{key}={value}\n" for key, value in values.items()))

    def greeting(self, text: str | None = None) -> str:
        """The addresses and logins told at the start, kept so that they can be told again."""
        path = self.run / "greeting"
        if text is not None:
            write_private(path, text)
        return path.read_text()

    def has_env(self) -> bool:
        """Whether the servers are up: the file is written when they are and removed when they stop."""
        return (self.run / "env").exists()

    def read_env(self) -> dict[str, str]:
        lines = (self.run / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


class Register:
    """The children's process numbers and start times, so that the next start can end what a kill -9 left."""

    def __init__(self, home: Home) -> None:
        self._path = home.run / "children.json"

    def write(self, children: dict[str, Identity]) -> None:
        entries = {name: asdict(identity) for name, identity in children.items()}
        write_private(self._path, json.dumps({"boot": _boot(), "children": entries}))

    def read(self) -> dict[str, Identity]:
        """What was written last; nothing if the machine has been restarted since: numbers begin anew."""
        try:
            known = json.loads(self._path.read_text())
            if known["boot"] != _boot():
                return {}
            return {name: Identity(**entry) for name, entry in known["children"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
