"""Child processes that cannot outlive us: how they start, how they are recognised later, how they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedded import account
from embedded.errors import StartError


@dataclass(frozen=True)
class Identity:
    """A process, known by number *and* start time (clock ticks since boot): numbers are used again."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        stat = _stat(pid)
        return cls(pid, stat.started) if stat and stat.state not in "ZX" else None

    def alive(self) -> bool:
        return Identity.of(self.pid) == self


@dataclass(frozen=True)
class _Stat:
    state: str
    session: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the command's name may itself hold spaces and brackets
    return _Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    parent_death: signal.Signals = signal.SIGKILL,
    unprivileged: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `command` as the leader of its own session, with its output appended to `log`.

    `parent_death` is what the kernel sends it when *the calling thread* ends, however it ends: call this from
    the main thread. `setpriv` sets it after the change of user, which would otherwise clear it again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            _launcher(command, parent_death, unprivileged),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def _launcher(command: Sequence[str | Path], parent_death: signal.Signals, unprivileged: bool) -> list[str]:
    tool = shutil.which("setpriv") or shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if tool is None:
        raise StartError("找不到 setpriv 命令，请先安装 util-linux 软件包。")
    words = [str(word) for word in command]
    options = account.drop_privileges(words) if unprivileged and os.geteuid() == 0 else []
    return [tool, "--pdeathsig", parent_death.name.removeprefix("SIG"), *options, "--", *words]


def guarded(command: Sequence[str | Path]) -> list[str]:
    """`command`, so that it is killed when we are."""
    return _launcher(command, signal.SIGKILL, unprivileged=False)


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    unprivileged: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    """Run `command` to its end, keeping what it prints; what it complains of goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as complaints:
        return subprocess.run(
            _launcher(command, signal.SIGKILL, unprivileged),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
        )


def session_members(leader: Identity) -> list[Identity]:
    """The living processes of the session that `leader` led, itself included.

    The kernel gives a session's number to no new process while a member lives. So where another process has
    the leader's number by now, nothing is left of the old session.
    """
    now = Identity.of(leader.pid)
    if now is not None and now != leader:
        return []
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        stat = _stat(int(entry.name))
        if stat and stat.session == leader.pid and stat.started >= leader.started and stat.state not in "ZX":
            members.append(Identity(int(entry.name), stat.started))
    return members


def end_session(leader: Identity, *, soft: signal.Signals = signal.SIGTERM, seconds: float = 5.0) -> bool:
    """Ask the leader with `soft` to end, then make the whole session end. True if it ended by itself."""
    deadline = time.monotonic() + seconds
    _send(leader, soft)
    wait_until(lambda: not leader.alive(), seconds)
    for member in session_members(leader):  # those whom their leader did not take along
        _send(member, soft)
    if wait_until(lambda: not session_members(leader), deadline - time.monotonic()):
        return True
    for member in session_members(leader):
        _send(member, signal.SIGKILL)
    wait_until(lambda: not session_members(leader), 5.0)
    return False


def _send(process: Identity, number: signal.Signals) -> None:
    if process.alive():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, to be shown with an error."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
