"""Our own programs as real processes on the test's servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).parent.parent


def environment(app: Flask, **more: str) -> dict[str, str]:
    """What a process of ours needs to work on the test's servers."""
    names = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    return os.environ | {name: app.config[name] for name in names} | {"FLASK_APP": "wsgi"} | more


@contextmanager
def running(app: Flask, *command: str, log: Path | None = None, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m …` in a session of its own, ended with all its children at the end of the block.

    What it says on standard error goes to `log`, where one is given.
    """
    with log.open("wb") if log else tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment(app, **env),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # a test may have killed it already
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web_server(app: Flask) -> Iterator[int]:
    """gunicorn as in production; its port."""
    port = free_port()
    command = ("gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4")
    with running(app, *command):
        wait_until(lambda: alive(port), "the web server did not start")
        yield port


def alive(port: int) -> bool:
    """Whether /healthz answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until(condition: object, complaint: str, seconds: float = 60) -> None:
    """Wait for a condition; the complaint where it does not come true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)
