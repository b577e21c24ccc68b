"""The operator, for tests that look at both doors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tenants.entry.store import redis
from tests.tenants.conftest import console, supporter

__all__ = ["console", "supporter"]


@pytest.fixture(autouse=True)
def _nobody_failed(app: Flask) -> Iterator[None]:
    """The console's door is every test's: nothing stays."""
    yield
    for key in redis().scan_iter("login:console:*"):
        redis().delete(key)
