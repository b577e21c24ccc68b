"""PostgreSQL and Redis of a test run, in memory where there is plenty of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from embedded.postgres import Postgres
from embedded.redis import Redis

MEMORY = Path("/dev/shm")
NEEDED = 4 * 2**30  # bytes that must be free there, and twice that of the machine's


def _available() -> int:
    """Bytes of memory that nobody needs."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder for servers' data: nothing of it has to last, and disks are slow at a thousand small files."""
    fits = (
        os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED and _available() > 2 * NEEDED
    )  # fmt: skip
    made = tempfile.TemporaryDirectory(prefix="qingqu-test-", dir=MEMORY if fits else None)
    Path(made.name).chmod(0o755)  # PostgreSQL is another user where we are root
    return made


@cache
def _pristine() -> tempfile.TemporaryDirectory[str]:
    """Data as initdb leaves them, made once per process."""
    made = folder()
    Postgres(Path(made.name) / "pg", fast=True).prepare()
    return made


def run_servers() -> Iterator[tuple[Postgres, Redis]]:
    """A PostgreSQL and a Redis of our own, gone afterwards."""
    with folder() as place:
        subprocess.run(["cp", "-a", f"{_pristine().name}/.", place], check=True)
        Path(place).chmod(0o755)
        postgres, redis = Postgres(Path(place) / "pg", fast=True), Redis(Path(place) / "redis")
        postgres.start()
        redis.start()
        yield postgres, redis
        redis.stop()
        postgres.stop()
