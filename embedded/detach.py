"""`up --detach`: the system starts in a process of its own, which lets go of the terminal once all is up.

Imports nothing of ours: the process that waits at the terminal should cost nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

UP = b"\0"  # the last byte said before letting go


def up_detached(arguments: Sequence[str]) -> int:
    """Start `up` in its own session, show what it says, and return when it is up or has failed."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "embedded", "up", "--let-go", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        while said := os.read(child.stdout.fileno(), 4096):
            _show(said.removesuffix(UP))
            if said.endswith(UP):
                return 0
        code = child.wait()
        if code < 0:
            sys.stdout.write(f"\n启动过程被信号 {-code} 中断，再运行一次即可。\n")
        return abs(code)
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        return 130


def _show(said: bytes) -> None:
    try:
        sys.stdout.buffer.write(said)
        sys.stdout.flush()
    except BrokenPipeError:  # `bin/up --detach | head -1`: nobody reads on, which is no reason to stop starting
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def let_go(log: Path) -> None:
    """In the started process: from here on what we say goes to `log`, and whoever started us may return."""
    os.write(sys.stdout.fileno(), UP)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, sys.stdout.fileno())
    os.dup2(target, sys.stderr.fileno())
    os.close(target)
