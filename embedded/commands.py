"""up, down, status, run: what bin/ calls."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from embedded import frontend, ports
from embedded.detach import let_go
from embedded.errors import StartError
from embedded.flask_commands import FlaskCommands
from embedded.given import given
from embedded.home import ROOT, Holder, Home, Register
from embedded.process import guarded, wait_until
from embedded.steps import Quiet, Steps
from embedded.supervisor import Stopped, Supervisor, child_environment, stop_on_signals

ADDRESSES = (("柳树村供水站", "liushu"), ("石泉镇供水站", "shiquan"), ("运营控制台　", "console"))
WAIT_FOR_OTHER = 300.0  # seconds: another bin/up may be installing its front end
STOP_SECONDS = 95.0  # more than the sum of what each part is given


def up(home: Home, port: int, *, seed: bool, detached: bool = False) -> int:
    """Start everything and stay until asked to stop (`detached`: once all is up, let go of the terminal)."""
    stop_on_signals()
    home.make()
    steps = Steps()
    running = _take(home, "up", port)
    if running is not None:
        steps.say(f"清渠已经在运行（进程 {running.pid}）。")
        steps.say(home.greeting())
        return 0
    supervisor = Supervisor(home, port, steps)
    try:
        _start(supervisor, seed=seed)
        if detached:
            let_go(home.log / "supervisor.log")
        supervisor.watch()
    except Stopped:
        steps.say("\n正在停止 …")
    finally:
        supervisor.stop()
        home.release()
    return 0


def _start(supervisor: Supervisor, *, seed: bool) -> None:
    home, steps, port = supervisor.home, supervisor.steps, supervisor.port
    left = supervisor.recover()
    if left:
        steps.say(f"已清理上次没有正常结束的进程：{'、'.join(left)}")
    if not ports.is_free(port):
        raise StartError(f"端口 {port} 已被别的程序占用。请停掉那个程序，或换一个端口：bin/up --port {port + 1}")
    with steps.step("准备网页文件"):
        frontend.build(log=home.log / "npm.log")
    supervisor.start_servers()
    logins = _prepare(supervisor, seed=seed)
    with steps.step("启动网站、任务进程、定时进程"):
        supervisor.start_programs()
    steps.say(f"\n清渠已启动，用时 {time.monotonic() - steps.began:.1f} s。")
    steps.say(home.greeting(_greeting(port, logins)))
    home.announce("up", port, ready=True)


def _prepare(supervisor: Supervisor, *, seed: bool) -> str:
    """Migrate and seed; the logins. Our own database that these very files have prepared already is left alone."""
    steps, note = supervisor.steps, supervisor.home.path / "prepared.json"
    mark = {"files": _mark_of_files(), "seed": seed}
    if not given("DATABASE_URL") and note.exists():
        known = json.loads(note.read_text("utf-8"))
        if known["mark"] == mark:
            return str(known["logins"])
    with supervisor.flask() as flask:
        with steps.step("更新数据库结构"):
            flask("migrate")
        with steps.step("准备两座示范水厂的数据" if seed else "跳过示范数据（--no-seed）"):
            logins = _seed(flask, steps) if seed else ""
    note.write_text(json.dumps({"mark": mark, "logins": logins}), "utf-8")
    return logins


def _mark_of_files() -> str:
    """Changes when a migration or a seed does."""
    found = hashlib.sha256()
    for folder in ("migrations", "seeds"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return found.hexdigest()


def _seed(flask: FlaskCommands, steps: Steps) -> str:
    flask("seed", told=steps.note)
    return flask("seed", "--logins")


def down(home: Home) -> int:
    """Stop what runs in this home; end what a killed supervisor left."""
    steps = Steps()
    holder = home.holder()
    if holder is None:
        left = Supervisor(home, 0, steps).recover()
        steps.say(f"已清理残留的进程：{'、'.join(left)}" if left else "清渠没有在运行。")
        return 0
    if holder.kind != "up":
        raise StartError(f"另一个命令（进程 {holder.pid}）正在使用数据，请等它结束。")
    began = time.monotonic()
    os.kill(holder.pid, signal.SIGTERM)
    if not wait_until(lambda: not holder.identity.alive(), STOP_SECONDS):
        os.kill(holder.pid, signal.SIGKILL)
        wait_until(lambda: not holder.identity.alive(), 5.0)
    Supervisor(home, 0, steps).recover()
    steps.say(f"清渠已停止（{time.monotonic() - began:.1f} s）。")
    return 0


def status(home: Home) -> int:
    """Say what runs; exit code 0 if the system is up, 3 if not, as services' scripts do."""
    steps = Steps()
    holder = home.holder()
    if holder is None or holder.kind != "up":
        steps.say("清渠没有在运行。启动：bin/up")
        return 3
    steps.say("清渠正在运行。" if holder.ready else "清渠正在启动。")
    for name, identity in Register(home).read().items():
        steps.say(f"  {name:<9} 进程 {identity.pid:<7} {'运行中' if identity.alive() else '已退出，即将重启'}")
    if holder.ready:
        steps.say(home.greeting())
    return 0


def run(home: Home, command: Sequence[str]) -> int:
    """Run a command against this home's servers; where they are not up, they are started just for it."""
    if given("DATABASE_URL") and given("REDIS_URL"):
        home.make()
        os.environ["SECRET_KEY"] = given("SECRET_KEY") or home.secret_key()
        _become(command, {})
    home.make()
    holder = _take(home, "run", 0)
    if holder is not None:
        _become(command, home.read_env())
    supervisor = Supervisor(home, 0, Quiet())
    stop_on_signals()
    try:
        supervisor.recover()
        supervisor.start_servers()
        return _run_beside(command, supervisor.env)
    except Stopped:
        return 130
    finally:
        supervisor.stop()
        home.release()


def _run_beside(command: Sequence[str], values: dict[str, str]) -> int:
    with subprocess.Popen(guarded(command), env=child_environment(values)) as child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the command's to answer
        return child.wait()


def _become(command: Sequence[str], values: dict[str, str]) -> None:
    os.execvpe(command[0], list(command), child_environment(values))  # noqa: S606 - no shell is wanted


def _take(home: Home, kind: str, port: int) -> Holder | None:
    """Take the home; or return who has it, if it is up and can be used. Waits for one that is not."""
    deadline = time.monotonic() + WAIT_FOR_OTHER
    told = False
    while not home.acquire(kind, port):
        holder = home.holder()
        if holder and holder.kind == "up" and (holder.ready or (kind == "run" and home.has_env())):
            return holder
        if holder and not told:
            told = True
            sys.stderr.write(f"另一个命令（进程 {holder.pid}）正在使用数据，等它完成 …\n")
        if time.monotonic() > deadline:
            raise StartError(f"等了 {WAIT_FOR_OTHER:.0f} 秒，另一个命令还没有完成；可以先用 bin/down 停掉它。")
        time.sleep(0.2)
    return None


def _greeting(port: int, logins: str) -> str:
    lines = [f"  {name}  http://{host}.localhost:{port}" for name, host in ADDRESSES]
    accounts = ["", "登录账号：", *(f"  {line}" for line in logins.splitlines())] if logins.strip() else []
    return "\n".join([*lines, *accounts, "", "停止：bin/down"])
