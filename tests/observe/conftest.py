"""Fleet figures count every plant of a database, so each of these files has servers of its own."""

from __future__ import annotations

from tests.worker.conftest import app, servers

__all__ = ["app", "servers"]
