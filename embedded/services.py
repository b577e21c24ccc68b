"""The three processes of ours: web, worker and beat."""

from __future__ import annotations

import http.client
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded.home import ROOT, Home
from embedded.ports import LOCAL
from embedded.server import Server


class Program(Server):
    """One of our own processes. It can be killed at any time: work is done in transactions, from a queue."""

    unprivileged = False
    parent_death = signal.SIGKILL
    cwd = ROOT
    arguments: Sequence[str] = ()

    def __init__(self, home: Home, env: dict[str, str]) -> None:
        super().__init__(home.log / f"{type(self).__name__.lower()}.log")
        self.home = home
        self.env = {"LOG_FORMAT": "text"} | env  # var/log is read by people

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", *self.arguments]

    def ready(self) -> bool:
        return self.exit_code() is None


class Web(Program):
    name = "网站"
    stop_seconds = 8.0
    arguments = ("gunicorn", "--config", "python:embedded.gunicorn_conf", "wsgi:app")

    def __init__(self, home: Home, env: dict[str, str]) -> None:
        super().__init__(home, {"PROMETHEUS_MULTIPROC_DIR": str(home.run / "metrics")} | env)

    def ready(self) -> bool:
        """GET /readyz answers 200: people can be told to come."""
        assert self.env is not None
        connection = http.client.HTTPConnection(LOCAL, int(self.env["QINGQU_PORT"]), timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Worker(Program):
    name = "任务进程"
    stop_seconds = 32.0  # it ends the task it has begun, or returns it after 25 (worker.celery)
    arguments = (
        "celery",
        "--app=worker.celery",
        "worker",
        "--queues=people,night",
        "--include=embedded.celery_children",
        "--without-mingle",  # there is one worker only: nobody to compare notes with
        "--without-gossip",
        "--concurrency=2",
        "--loglevel=INFO",
    )


class Beat(Program):
    name = "定时进程"
    stop_seconds = 5.0

    def command(self) -> Sequence[str | Path]:
        schedule = f"--schedule={self.home.run / 'beat'}"
        return [sys.executable, "-m", "celery", "--app=worker.celery", "beat", schedule, "--loglevel=INFO"]
