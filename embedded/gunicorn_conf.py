"""gunicorn's settings, for bin/up and for the Docker image alike."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from embedded.parent_death import die_with

bind = f"{os.environ.get('QINGQU_BIND', '127.0.0.1')}:{os.environ.get('QINGQU_PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
preload_app = True  # loads the app once for all; it opens no connection while loading
timeout = 60
graceful_timeout = 5
control_socket_disable = True  # we have bin/up, bin/down; it would leave a socket in the user's home folder
worker_tmp_dir = os.environ.get("WEB_TMP_DIR")  # for heartbeats; in a container better not on its layered disk

# The workers count requests in files of this folder, which whichever of them is asked for /metrics adds up. It must be
# known before the app is loaded, and be this master's own: the files are named by process numbers.
_given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
_counts = Path(_given or tempfile.mkdtemp(prefix="qingqu-metrics-", dir=worker_tmp_dir))
_counts.mkdir(parents=True, exist_ok=True)
for _left in _counts.glob("*.db"):  # by an earlier master
    _left.unlink()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_counts)


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its master, even when that is killed with -9."""
    die_with(server.pid)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker had in use when it ended is in use no more; what it counted stays counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """The counts end with us."""
    if not _given:
        shutil.rmtree(_counts, ignore_errors=True)
