"""A program we run as our direct child: what PostgreSQL, Redis, web, worker and beat have in common."""

from __future__ import annotations

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from embedded.errors import StartError
from embedded.process import Identity, end_session, spawn, tail


class Server(ABC):
    """Subclasses say how it is started, when it is ready and how it is asked to stop."""

    name: str
    soft_stop: signal.Signals = signal.SIGTERM
    parent_death: signal.Signals = signal.SIGTERM  # what it is sent should we be killed
    unprivileged = True  # not as root, where we are
    start_seconds = 180.0  # on a busy machine; whatever fails ends sooner by itself
    stop_seconds = 10.0
    env: dict[str, str] | None = None
    cwd: Path | None = None

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self.launched_at = 0.0  # by time.monotonic()
        self._asked = False

    def start(self) -> None:
        """Everything, until it can be used."""
        self.prepare()
        self.launch()
        self.finish()

    def prepare(self) -> None:  # noqa: B027 — most need nothing
        """What must be there before the first launch, such as a folder of data."""

    def finish(self) -> None:
        """What is to be done after the first launch: to wait until it answers, at least."""
        self.wait_ready()

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The program and its arguments."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the program without waiting for it."""
        self.process = spawn(
            self.command(),
            log=self.log,
            env=self.env,
            cwd=self.cwd,
            parent_death=self.parent_death,
            unprivileged=self.unprivileged,
        )
        self.identity = Identity.of(self.process.pid)
        self.launched_at = time.monotonic()
        self._asked = False
        return self.process

    def wait_ready(self) -> None:
        """Return when it answers; raise StartError with the end of its log if it does not."""
        deadline = time.monotonic() + self.start_seconds
        while not self.ready():
            if self.exit_code() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartError(f"{self.name} 没有启动成功（日志 {self.log}）：\n{tail(self.log)}")
            time.sleep(0.03)

    def exit_code(self) -> int | None:
        """None while it runs. Something that was never started counts as having ended."""
        return self.process.poll() if self.process else 0

    def ask_to_stop(self) -> None:
        """Send the signal, once: to some programs a second one means haste."""
        if self.process and not self._asked and self.process.poll() is None:
            self._asked = True
            self.process.send_signal(self.soft_stop)

    def stop(self) -> None:
        """End it and all its processes: cleanly within `stop_seconds`, else by force."""
        self.ask_to_stop()
        process, self.process = self.process, None
        if process is None:
            return
        try:
            process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self.identity is not None:  # None where it ended before we could look at it
            end_session(self.identity, seconds=1.0)
