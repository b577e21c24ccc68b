"""Starts everything in order, keeps it running, and stops everything in order."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from embedded.flask_commands import FlaskCommands
from embedded.given import given
from embedded.home import ROOT, Home, Register
from embedded.postgres import Postgres
from embedded.process import Identity, end_session, session_members
from embedded.redis import Redis
from embedded.server import Server
from embedded.services import Beat, Web, Worker
from embedded.steps import Steps

STOP_ORDER = ("web", "beat", "worker", "redis", "postgres")
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 1.0, 30.0, 60.0  # seconds


class Stopped(BaseException):
    """We were asked to stop (Ctrl-C, TERM, the terminal closed). Not an Exception: nothing may catch it."""


class Supervisor:
    """Everything that runs in one home. For the main thread of the process that holds the home's lock."""

    def __init__(self, home: Home, port: int, steps: Steps) -> None:
        self.home = home
        self.port = port
        self.steps = steps
        self.env: dict[str, str] = {}
        self.running: dict[str, Server] = {}
        self._register = Register(home)
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def recover(self) -> list[str]:
        """End what an earlier supervisor left when it was killed; return the names of what was found."""
        left = self._register.read()
        return [name for name in STOP_ORDER if name in left and _end_leftover(name, left[name])]

    def start_servers(self) -> None:
        """PostgreSQL and Redis, unless DATABASE_URL and REDIS_URL name others; and the env file for bin/."""
        self.home.secret_key()
        with self.steps.step(_title("PostgreSQL", "DATABASE_URL")):
            database_url = given("DATABASE_URL") or self._start_postgres()
        with self.steps.step(_title("Redis", "REDIS_URL")):
            redis_url = given("REDIS_URL") or self._start_redis()
        self.env = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": given("SECRET_KEY") or self.home.secret_key(),
            "EXPORT_DIR": os.environ.get("EXPORT_DIR") or str(self.home.path / "exports"),
            "QINGQU_HOME": str(self.home.path),
            "QINGQU_PORT": str(self.port),
        }
        self.home.write_env(self.env)

    def start_programs(self) -> None:
        """Web, worker and beat; returns when the web answers and all three run."""
        env = child_environment(self.env)
        web, worker, beat = Web(self.home, env), Worker(self.home, env), Beat(self.home, env)
        self._launch("web", web)
        self._launch("worker", worker)
        web.wait_ready()
        self._launch("beat", beat)  # not sooner: loading the app three times at once would delay the web
        for program in (worker, beat):
            program.wait_ready()

    def flask(self) -> FlaskCommands:
        """For running flask commands in the environment that the children get."""
        return FlaskCommands(child_environment(self.env), self.home.log / "flask.log")

    def watch(self) -> None:
        """Start again whatever ends, at growing intervals. Runs until Stopped is raised."""
        while True:
            for name, server in self.running.items():
                self._look_after(name, server)
            time.sleep(0.3)

    def stop(self) -> None:
        """Everything, in order, each within its own bound. Further signals do not disturb it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for name in ("web", "beat", "worker"):  # these may end side by side: what one still has to say, Redis keeps
            if name in self.running:
                self.running[name].ask_to_stop()
        for name in STOP_ORDER:
            if name in self.running:
                self.running.pop(name).stop()
        self._register.write({})

    def _start_postgres(self) -> str:
        server = Postgres(self.home.path / "postgres", log=self.home.log / "postgres.log")
        server.prepare()
        self._launch("postgres", server)
        server.finish()
        return server.url

    def _start_redis(self) -> str:
        server = Redis(self.home.path / "redis", log=self.home.log / "redis.log")
        server.prepare()
        self._launch("redis", server)
        server.finish()
        return server.url

    def _launch(self, name: str, server: Server) -> None:
        self.running[name] = server
        server.launch()
        found = {name: server.identity for name, server in self.running.items() if server.identity}
        self._register.write(found)

    def _look_after(self, name: str, server: Server) -> None:
        code = server.exit_code()
        if code is None:
            return
        now = time.monotonic()
        if name not in self._due:
            steady = now - server.launched_at > STEADY
            pause = FIRST_PAUSE if steady else self._pauses.get(name, FIRST_PAUSE)
            self._pauses[name] = min(pause * 2, LONGEST_PAUSE)
            self._due[name] = now + pause
            self.steps.say(f"{server.name} 意外退出（代码 {code}，日志 {server.log}），{pause:.0f} 秒后重新启动")
        elif now >= self._due[name]:
            del self._due[name]
            server.stop()  # what is left of its session
            self._launch(name, server)


def child_environment(values: dict[str, str]) -> dict[str, str]:
    """The environment for all that we run: the URLs, and our code whatever the current folder is."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    ours = {"FLASK_APP": f"{ROOT / 'wsgi.py'}:app", "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    return dict(os.environ) | ours | values


def stop_on_signals() -> None:
    """Ctrl-C, `bin/down` and a closed terminal raise Stopped in the main thread."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Stopped(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _end_leftover(name: str, leader: Identity) -> bool:
    if not session_members(leader):
        return False
    soft = Postgres.soft_stop if name == "postgres" else signal.SIGTERM
    end_session(leader, soft=soft, seconds=Postgres.stop_seconds if name == "postgres" else 5.0)
    return True


def _title(server: str, variable: str) -> str:
    return f"使用 {variable} 指定的 {server}" if os.environ.get(variable) else f"启动 {server}"
