"""Where we are root: the account that the servers run as, for PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from embedded.errors import StartError

SERVER_USER = "qingqu-pg"
# To look into folders closed to others, best first: reading only, or (in containers) writing as well.
LOOK_INTO_FOLDERS = (("dac_read_search", 2), ("dac_override", 1))


def own(*paths: Path) -> None:
    """Give what stands at `paths` to the servers' account. Nothing to do where we are not root."""
    if os.geteuid() != 0:
        return
    user = server_user()
    for path in paths:
        for entry in (path, *path.rglob("*")):
            os.chown(entry, user.pw_uid, user.pw_gid, follow_symlinks=False)


def drop_privileges(command: list[str]) -> list[str]:
    """setpriv's options to run `command` as the servers' account.

    The checkout may lie where others cannot look, as under /root or in what mktemp -d makes. Then the program keeps one
    right of root's: to pass through folders. PostgreSQL asks access(2) whether its own files may be run, and access
    forgets such rights of whoever is not root unless SECBIT_NO_SETUID_FIXUP is set (setpriv's no_setuid_fixup).
    """
    user = server_user()
    options = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    closed = _closed_folder(command)
    if closed is None:
        return [*options, "--inh-caps", "-all", "--ambient-caps", "-all"]
    for name, bit in LOOK_INTO_FOLDERS:
        if _permitted() >> bit & 1:
            keep = ["--inh-caps", f"-all,+{name}", "--ambient-caps", f"-all,+{name}"]
            return [*options, "--securebits", "+no_setuid_fixup", *keep]
    raise StartError(f"数据库的用户 {user.pw_name} 进不了 {closed}；请把清渠放到所有用户都能进入的文件夹里。")


def server_user() -> pwd.struct_passwd:
    """A system account of our own; `nobody` where none can be made."""
    with suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if useradd:
        options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, SERVER_USER], capture_output=True, check=False)
    for name in (SERVER_USER, "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise StartError("当前是 root，而 PostgreSQL 不允许以 root 运行；请先新建一个普通用户。")


def _closed_folder(words: Iterable[str]) -> Path | None:
    """The first folder on the way to a file named in `words` that lets only its owner pass."""
    for word in words:
        if word.startswith("/"):
            for folder in reversed(Path(word).resolve().parents):
                if folder.exists() and not folder.stat().st_mode & 0o001:
                    return folder
    return None


def _permitted() -> int:
    """The capabilities we have, as bits: root in a container has not all of them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0
