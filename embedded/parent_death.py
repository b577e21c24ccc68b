"""Makes a worker process end with its master: for those that a library forks; ours go through setpriv."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def die_with(parent: int | None = None) -> None:
    """Have the kernel kill us when our parent ends, or now if `parent` (its number) has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
