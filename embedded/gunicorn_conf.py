"""gunicorn's settings, for bin/up and for the Docker image alike."""

from __future__ import annotations

import os
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


def post_fork(server: Any, worker: Any) -> None:
    """A worker ends with its master, even when that is killed with -9."""
    die_with(server.pid)
